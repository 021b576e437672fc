package patience

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// Failures are forgiven as long as they are not too many in a row of one kind.
func TestPatience(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	p := New(3, "max_failed_writes", "make room")
	for _, step := range []struct {
		what string
		err  error
		ends bool
	}{
		{"a", full, false}, {"b", full, false}, {"a", full, false}, {"b", full, false}, {"a", nil, false},
		{"a", full, false}, {"a", full, false}, {"a", full, true},
	} {
		err := p.Wrote(step.what, step.err)
		if (err != nil) != step.ends {
			t.Fatalf("%+v: %v", step, err)
		}
		if step.ends && (!errors.Is(err, ErrGaveUp) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "max_failed_writes") || !strings.Contains(err.Error(), "make room")) {
			t.Errorf("%v", err)
		}
	}
	if p.Failures("b") != 2 {
		t.Errorf("%d failures of b", p.Failures("b"))
	}
	if other := errors.New("no failure of the storage"); p.Wrote("c", other) != other {
		t.Error("it forgives what the disk is not to blame for")
	}
	tries := 0
	if err := p.Insist("d", 0, func() error {
		if tries++; tries < 3 {
			return full
		}
		return nil
	}); err != nil || tries != 3 {
		t.Errorf("%d tries, %v", tries, err)
	}
}
