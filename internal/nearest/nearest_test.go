package nearest

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3},
		{"flaw", "lawn", 2}, {"ab", "ba", 1}, {"ca", "abc", 3}, {"num_kp", "num_pk", 1},
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := Distance(c.b, c.a); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

func TestWord(t *testing.T) {
	known := []string{"batch_size", "num_blocks", "num_kp", "sn"}
	for word, want := range map[string]string{
		"batchsize": "batch_size", "Batch-Size": "batch_size", "num_block": "num_blocks",
		"nun_kp": "num_kp", "s": "sn", "batch": "batch_size", "Num": "num_blocks", "num-": "", "learning_rate": "", "": "",
	} {
		if got := Word(word, known); got != want {
			t.Errorf("Word(%q) = %q, want %q", word, got, want)
		}
	}
	long := make([]byte, 1<<20)
	if got := Word(string(long), known); got != "" {
		t.Errorf("a word of a megabyte gave %q", got)
	}
}
