package x2face

import _ "embed" // the source of the option structs documents the keys

// ParamsSource is the source of params.go: its comments are what a user reads
// about the YAML keys of this package.
//
//go:embed params.go
var ParamsSource string
