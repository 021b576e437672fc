package dataset

import (
	"path/filepath"
	"strings"
	"testing"
)

// A model says where films are kept only within the caches of who reads it.
func TestCacheOfModels(t *testing.T) {
	home := filepath.Join(t.TempDir(), "caches")
	t.Setenv("XDG_CACHE_HOME", home)
	usual := filepath.Join(home, "prioritycut")
	for _, c := range []struct {
		name, dir, want string
		told            bool
	}{
		{"none", "", usual, false},
		{"the usual", usual, usual, false},
		{"the user's caches", home, home, false},
		{"within them", home + "/a/../b", home + "/b", false},
		{"elsewhere", "/elsewhere", usual, true},
		{"beside them", home + "s", usual, true},
		{"above them", filepath.Dir(home), usual, true},
		{"out of them", home + "/../elsewhere", usual, true},
		{"relative", "caches", usual, true},
	} {
		p := DefaultParams()
		p.CacheDir = c.dir
		got, unused := p.OfModel()
		if got.cacheDir() != c.want || (unused != "") != c.told || !strings.Contains(unused, c.dir) && c.told {
			t.Errorf("%s: %q, %q", c.name, got.cacheDir(), unused)
		}
	}
	for _, gb := range []float64{0, 1e-6, DefaultParams().CacheGB, 1000} {
		p := DefaultParams()
		p.CacheGB = gb
		want := gb
		if gb > 0 {
			want = max(gb, DefaultParams().CacheGB)
		}
		if got, _ := p.OfModel(); got.CacheGB != want {
			t.Errorf("cache_gb %v became %v", gb, got.CacheGB)
		}
	}
}
