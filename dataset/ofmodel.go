package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// OfModel are the parameters that a model brings along, for a program that only
// reads the model: somebody else may have made it, and where this program writes
// and removes decoded films is not for the model to say. A cache_dir counts where
// it lies in the user's cache folder, and a cache_gb makes the cache no smaller
// than it is by default, unless it keeps none. What is not used is told in a line,
// which is empty else.
func (p Params) OfModel() (_ Params, unused string) {
	if p.CacheGB > 0 {
		p.CacheGB = max(p.CacheGB, DefaultParams().CacheGB)
	}
	if p.CacheDir == "" {
		return p, ""
	}
	named := p.CacheDir
	if dir, home := p.cacheDir(), userCaches(); home != "" && isWithin(home, dir) {
		p.CacheDir = dir // what was compared, whatever links the other spelling passes
		return p, ""
	}
	p.CacheDir = ""
	return p, fmt.Sprintf("decoded films are not kept in %s, which the model's configuration names (cache_dir): it lies outside of your caches; "+
		"XDG_CACHE_HOME=%s puts these there", named, named)
}

// userCaches is the user's cache folder; empty if there is none.
func userCaches() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Clean(dir)
}

// isWithin tells whether a path is a folder or lies in it, by their names.
func isWithin(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}
