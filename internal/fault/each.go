package fault

import (
	"syscall"
	"testing"
)

// EachRead fails every call by which read opens or reads files, one at a time, as
// a disk that does not answer, and has the error that comes of it checked.
func EachRead(t testing.TB, read func() error, check func(c Call, err error)) {
	t.Helper()
	all := &FS{}
	restore := all.Reads()
	err := read()
	restore()
	calls := all.Calls()
	if err != nil || len(calls) < 3 {
		t.Fatalf("%d calls, %v", len(calls), err)
	}
	for i := range calls {
		files := &FS{Plan: At(i, 1, Fault{Err: syscall.EIO})}
		restore := files.Reads()
		err := read()
		restore()
		check(files.Calls()[i], err)
	}
}
