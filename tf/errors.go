package tf

import (
	"errors"
	"fmt"
	"strings"
)

// ErrorCode is TensorFlow's kind of an error (TF_Code).
type ErrorCode int

// The codes that TensorFlow uses.
const (
	OK                 ErrorCode = 0
	Cancelled          ErrorCode = 1
	Unknown            ErrorCode = 2
	InvalidArgument    ErrorCode = 3
	DeadlineExceeded   ErrorCode = 4
	NotFound           ErrorCode = 5
	AlreadyExists      ErrorCode = 6
	PermissionDenied   ErrorCode = 7
	ResourceExhausted  ErrorCode = 8
	FailedPrecondition ErrorCode = 9
	Aborted            ErrorCode = 10
	OutOfRange         ErrorCode = 11
	Unimplemented      ErrorCode = 12
	Internal           ErrorCode = 13
	Unavailable        ErrorCode = 14
	DataLoss           ErrorCode = 15
	Unauthenticated    ErrorCode = 16
)

var codeNames = [...]string{
	"OK", "Cancelled", "Unknown", "InvalidArgument", "DeadlineExceeded",
	"NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted",
	"FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal",
	"Unavailable", "DataLoss", "Unauthenticated",
}

// String returns the code's name.
func (c ErrorCode) String() string {
	if c < 0 || int(c) >= len(codeNames) {
		return fmt.Sprintf("ErrorCode(%d)", int(c))
	}
	return codeNames[c]
}

// Error is an error that TensorFlow reported.
type Error struct {
	// Code is its kind.
	Code ErrorCode
	// Doing says what was asked of TensorFlow.
	Doing string
	// Message is TensorFlow's own text. It names the node.
	Message string
}

// Error returns what was done, the kind and TensorFlow's text.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: TensorFlow reports %v: %s", e.Doing, e.Code, e.Message)
}

// Code returns the kind of an error: OK for nil, the code of a TensorFlow
// error that err is or wraps, else Unknown.
func Code(err error) ErrorCode {
	if err == nil {
		return OK
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if code, ok := statusCode(err); ok {
			return code
		}
	}
	return Unknown
}

// wrap turns an error of graft into an *Error.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: Code(err), Doing: doing, Message: withoutHint(err.Error())}
}

// withoutHint takes out the lines in which TensorFlow advises programmers in
// Python, which it appends to whatever is exhausted, a full disk too.
func withoutHint(text string) string {
	lines := strings.Split(text, "\n")
	kept := lines[:0]
	for _, line := range lines {
		if !strings.HasPrefix(line, "Hint: If you want to see a list of allocated tensors") {
			kept = append(kept, line)
		}
	}
	return strings.TrimSpace(strings.Join(kept, "\n"))
}

// guard runs f and turns its panic into an error.
func guard(doing string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Code: Internal, Doing: doing, Message: fmt.Sprintf("panic: %v", r)}
		}
	}()
	return f()
}
