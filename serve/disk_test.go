package serve

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk writes an upload to a device that is always full: the client is
// told that it is not its fault, and when to come back.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	_, err = copyPart(full, strings.NewReader("a picture"))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v", err)
	}
	f := asFailure(fmt.Errorf("upload: %w", err))
	if f.status != http.StatusInsufficientStorage || f.retry <= 0 || !strings.Contains(f.text, "disk is full") || strings.Contains(f.text, "/dev/full") {
		t.Errorf("the client gets %d, %q, after %v", f.status, f.text, f.retry)
	}
}
