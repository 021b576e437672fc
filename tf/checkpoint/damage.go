package checkpoint

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
)

// DamageError says that what a checkpoint holds is wrong: a checksum, a size, a
// format, a file that is not there. Every other error of opening one, such as
// missing permission, a disk that does not answer or a link that leads nowhere,
// says nothing about it.
type DamageError struct{ Err error }

// Error implements error.
func (e *DamageError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *DamageError) Unwrap() error { return e.Err }

func damaged(format string, args ...any) error {
	return &DamageError{Err: fmt.Errorf(format, args...)}
}

// isDamage reports whether an error of opening a checkpoint speaks of what is in
// it.
func isDamage(err error) bool {
	var d *DamageError
	return errors.As(err, &d)
}

// missing makes an error of opening a file damage where the folder was read and
// has no such name. A link that leads nowhere has one.
func missing(path string, err error) error {
	if !errors.Is(err, iofs.ErrNotExist) {
		return err
	}
	_, named := os.Lstat(path)
	if _, folder := os.Stat(filepath.Dir(path)); folder == nil && errors.Is(named, iofs.ErrNotExist) {
		return &DamageError{Err: err}
	}
	return fmt.Errorf("%w (the link leads nowhere: is a disk not mounted?)", err)
}
