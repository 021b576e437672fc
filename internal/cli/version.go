package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// Release is the version of this module and of all its programs.
const Release = "0.1.0"

// writeVersion prints what runs, for reports of faults.
func (c *Command) writeVersion(w io.Writer) error {
	text := fmt.Sprintf("%s of PriorityCut %s", c.Name, Release)
	if info, ok := debug.ReadBuildInfo(); ok {
		text += revision(info.Settings)
	}
	_, err := fmt.Fprintf(w, "%s, %s for %s/%s\n", text, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// revision is where the source stood, if the build noted it: plain go build
// does.
func revision(settings []debug.BuildSetting) (text string) {
	const short = 12
	var changed bool
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			text = ", revision " + s.Value[:min(short, len(s.Value))]
		case "vcs.modified":
			changed = s.Value == "true"
		}
	}
	if text != "" && changed {
		text += " with changes"
	}
	return text
}
