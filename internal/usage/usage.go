// Package usage marks errors that a user mends by typing something else.
// Libraries return them; programs end with an exit code of their own for them.
package usage

import "context"

// Error is an error that the user mends by other flags, settings or paths:
// nothing was begun.
type Error struct{ Err error }

// Wrap marks err; nil stays nil.
func Wrap(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Err: err}
}

// WrapUnless is Wrap, unless the work was stopped: then err is no mistake of
// whoever typed the command.
func WrapUnless(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return Wrap(err)
}

// Error returns the wrapped error's text.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the wrapped error.
func (e *Error) Unwrap() error { return e.Err }
