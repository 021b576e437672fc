package durable

import (
	"errors"
	iofs "io/fs"
	"os"
	"strings"
	"syscall"
)

// OfStorage reports whether an error is that of a file or of what holds it.
func OfStorage(err error) bool {
	var path *iofs.PathError
	var link *os.LinkError
	var number syscall.Errno
	return errors.As(err, &path) || errors.As(err, &link) || errors.As(err, &number)
}

// IsFull reports whether something was not written for want of room. ffmpeg and
// TensorFlow say so in words only.
func IsFull(err error) bool {
	if err == nil {
		return false
	}
	text := strings.ToLower(err.Error())
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		strings.Contains(text, "no space left on device") || strings.Contains(text, "disk quota exceeded")
}
