// Package predict reads and writes TensorFlow Serving's REST form of a call:
// JSON to the tensors of a signature, and back.
//
// # Hostile input
//
// The syntax is checked first; then lists are compared with the signature's shape
// while they are read, and pictures are looked at before TensorFlow believes the
// size that they claim.
package predict

import (
	"fmt"
	"net/http"
)

// Error says what cannot be done for a client, and the HTTP status that tells
// him.
type Error struct {
	Status int
	Text   string
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

func failf(status int, format string, args ...any) *Error {
	return &Error{Status: status, Text: fmt.Sprintf(format, args...)}
}

// badRequest says that the client can do better.
func badRequest(format string, args ...any) *Error {
	return failf(http.StatusBadRequest, format, args...)
}
