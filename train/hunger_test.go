package train

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHunger has steps of ten seconds wait for data of different slowness, and
// counts what is said of it.
func TestHunger(t *testing.T) {
	for _, c := range []struct {
		waits time.Duration
		steps int
		said  int
	}{
		{2 * time.Second, 1000, 0},   // a fifth is not told
		{3 * time.Second, 5, 0},      // too early to tell
		{3 * time.Second, 6, 1},      // after a minute
		{3 * time.Second, 65, 1},     // and not again at once
		{3 * time.Second, 66, 2},     // but after ten minutes
		{3 * time.Second, 66 * 2, 3}, // and so on
	} {
		now := time.Unix(0, 0)
		var said []string
		h := &hungerHook{now: func() time.Time { return now }, say: func(args ...any) { said = append(said, fmt.Sprint(args...)) }}
		for range c.steps {
			now = now.Add(10 * time.Second)
			if err := h.After(&Moment{Took: 10 * time.Second, Waited: c.waits}); err != nil {
				t.Fatal(err)
			}
		}
		if len(said) != c.said || c.said > 0 && !strings.Contains(said[0], "wait for data 30 % of the time") {
			t.Errorf("%d steps that wait %v: %q, want %d", c.steps, c.waits, said, c.said)
		}
	}
}
