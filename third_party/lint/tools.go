//go:build tools

// Package lint names the linters that tools/lint.sh runs, so that go.mod and
// go.sum pin them apart from what the project is built of.
package lint

import (
	_ "github.com/bazelbuild/buildtools/buildifier"
	_ "honnef.co/go/tools/cmd/staticcheck"
)
