package prepare

import (
	"strings"
	"testing"
)

// One folder too many before the identities makes all videos one person's.
func TestOneIdentitySwallowsAll(t *testing.T) {
	for _, c := range []struct {
		names string
		want  string
	}{
		{"mp4/id1/v1/1.mp4 mp4/id1/v2/1.mp4 mp4/id2/v1/1.mp4", "`in`=root/mp4 makes 2 of it"},
		{"train/mp4/id1/1.mp4 train/mp4/id2/1.mp4", ""},
		{"id1/v1/1.mp4 id2/v1/1.mp4", ""},
		{"id1/1.mp4 id1/2.mp4", ""},
		{"mp4/id1/1.mp4 mp4/id1/2.mp4", ""},
		{"a.mp4 mp4/id1/2.mp4", ""},
	} {
		var inputs []*input
		for _, name := range strings.Fields(c.names) {
			inputs = append(inputs, newInput("/"+name, name, film))
		}
		if got := swallowed(inputs, "root"); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.names, got, c.want)
		}
	}
	if got := swallowed(nil, "root"); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}
