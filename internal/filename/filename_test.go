package filename

import (
	"testing"
	"unicode/utf8"
)

func TestCut(t *testing.T) {
	for n := 0; n < 20; n++ {
		for _, s := range []string{"plain letters", "動画の題名", "a😀b"} {
			got := Cut(s, n)
			if len(got) > n || !utf8.ValidString(got) || len(got) < min(len(s), n-3) || s[:len(got)] != got {
				t.Errorf("%q to %d bytes: %q", s, n, got)
			}
		}
	}
	if a, again := Sum("a"), Sum("a"); a == Sum("b") || a != again || len(a) != 8 {
		t.Errorf("sums %q, %q and %q", a, again, Sum("b"))
	}
}
