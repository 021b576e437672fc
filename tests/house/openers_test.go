package house

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// openers are the files that open or list by themselves, and why they may. All
// others go through internal/localfile, which waits for no pipe and opens no
// device.
var openers = map[string]string{
	"internal/localfile/":               "it is the door",
	"internal/durable/temp.go":          "what it has just made, without following links",
	"internal/durable/filesystem.go":    "files that it makes, folders to sync",
	"internal/folderlock/folderlock.go": "the lock, without following links",
	"internal/logging/sink.go":          "the log, without following links",
	"internal/runfiles/runfiles.go":     "Bazel's list of files",
	"internal/child/child.go":           "/proc",
	"evaluate/result/framefile.go":      "a table that grows, without following links",
	"ablation/log.go":                   "the log, without following links",
	"serve/views.go":                    "a file of a job, which it makes",
	"serve/jobs_http.go":                "a file of a job, which it has made",
	"serve/upload.go":                   "a file of a job, which it makes",
	"cmd/serve/examples.go":             "a film that it has just made",
	"export/compare.go":                 "a file that it makes in a folder of its own",
	"export/engines/table.go":           "folders of its own",
	"tf/savedmodel/variables.go":        "a file that it has just made, to sync it",
	"tf/ops.go":                         "the root of the sources",
	"train/muster.go":                   "the program itself",
}

// TestOneDoor: whatever opens or lists what lies on the disk does so through
// internal/localfile, but for the exceptions above, tests and their helpers, and
// the tools of developers.
func TestOneDoor(t *testing.T) {
	plain := regexp.MustCompile(`\bos\.(Open|OpenFile|Create|ReadFile|ReadDir|DirFS)\(`)
	used := map[string]bool{}
	sources(t, func(name string, text []byte) {
		if !plain.Match(text) || slices.ContainsFunc([]string{"tools/", "bench/", "examples/"}, func(of string) bool { return strings.HasPrefix(name, of) }) {
			return
		}
		for allowed := range openers {
			if name == allowed || strings.HasSuffix(allowed, "/") && strings.HasPrefix(name, allowed) {
				used[allowed] = true
				return
			}
		}
		t.Errorf("%s opens what may be a pipe or a device: use internal/localfile", name)
	})
	for allowed := range openers {
		if !used[allowed] {
			t.Errorf("%s opens nothing: the list of exceptions is old", allowed)
		}
	}
}
