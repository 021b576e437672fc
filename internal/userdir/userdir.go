// Package userdir brings a program that `bazel run` started back to the
// directory where the user typed the command.
//
// `bazel run` starts programs in their runfiles and leaves the user's directory
// in BUILD_WORKING_DIRECTORY. After Enter, file names that the user typed mean
// what they mean to every other program.
package userdir

import (
	"fmt"
	"os"
	"path/filepath"
)

// variable is where `bazel run` leaves the user's directory.
const variable = "BUILD_WORKING_DIRECTORY"

// runfiles are the variables through which programs find their runfiles; they
// may be relative to the directory that Enter leaves.
var runfiles = []string{"RUNFILES_DIR", "RUNFILES_MANIFEST_FILE", "TEST_SRCDIR"}

// Enter changes to the user's directory when `bazel run` started the program,
// and does nothing otherwise. Call it first in main, before flags are read. It
// unsets BUILD_WORKING_DIRECTORY, lest a program that this one starts elsewhere
// comes back here. Runfiles are found as before.
func Enter() error {
	dir, ok := os.LookupEnv(variable)
	if !ok || dir == "" {
		return nil
	}
	for _, v := range runfiles {
		if err := makeAbsolute(v); err != nil {
			return err
		}
	}
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("entering the directory that %s names: %w; unset it to stay where the program starts", variable, err)
	}
	return os.Unsetenv(variable)
}

func makeAbsolute(variable string) error {
	path := os.Getenv(variable)
	if path == "" || filepath.IsAbs(path) {
		return nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("making %s absolute: %w", variable, err)
	}
	return os.Setenv(variable, path)
}
