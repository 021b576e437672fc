package usage_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/prioritycut/prioritycut/internal/usage"
)

// TestWrap: a mark is found behind other errors, hides nothing, and is not put
// on success.
func TestWrap(t *testing.T) {
	if err := usage.Wrap(nil); err != nil {
		t.Errorf("success becomes %v", err)
	}
	err := fmt.Errorf("run: %w", usage.Wrap(fs.ErrNotExist))
	var marked *usage.Error
	if !errors.As(err, &marked) || !errors.Is(err, fs.ErrNotExist) || marked.Error() != fs.ErrNotExist.Error() {
		t.Errorf("%v, marked %v", err, marked)
	}
}
