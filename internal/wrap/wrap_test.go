package wrap

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{" \n ", 10, []string{""}},
		{"one", 3, []string{"one"}},
		{"one two", 7, []string{"one two"}},
		{"one two", 6, []string{"one", "two"}},
		{"  one\n\ttwo  three ", 9, []string{"one two", "three"}},
		{"unbreakable is long", 5, []string{"unbreakable", "is", "long"}},
		{"a b", 0, []string{"a", "b"}},
	} {
		if diff := cmp.Diff(c.want, Lines(c.text, c.width)); diff != "" {
			t.Errorf("%q in %d (-want +got):\n%s", c.text, c.width, diff)
		}
	}
}
