package detectors

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// Home is where archive and detectors are kept between commands:
// ${XDG_CACHE_HOME:-~/.cache}/prioritycut/detectors.
func Home() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep detectors in: %w; set XDG_CACHE_HOME to an absolute path", err)
	}
	return filepath.Join(cache, "prioritycut", "detectors"), nil
}

// Source says where an archive comes from.
type Source struct {
	// Archive is a file that was downloaded before; empty has npm download it.
	Archive string
	// Home is where the downloaded archive, and detectors that Provide makes, are
	// kept.
	Home string
}

// Open opens the archive.
func (s Source) Open(ctx context.Context) (*Archive, error) {
	if s.Archive != "" {
		return HumanModels.Open(s.Archive)
	}
	return HumanModels.Fetch(ctx, s.Home)
}

// Provide returns the folders of detectors by name, making those below Home that
// are not there. What an earlier command made is taken as it is; other versions of
// this program or of the package make others.
func (s Source) Provide(ctx context.Context, names ...string) (_ map[string]string, err error) {
	if err := os.MkdirAll(s.Home, 0o755); err != nil {
		return nil, err
	}
	lock, err := folderlock.Acquire(s.Home)
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	paths := map[string]string{}
	var archive *Archive
	for _, name := range names {
		d, err := Named(name)
		if err != nil {
			return nil, err
		}
		path := d.Folder(s.Home)
		paths[name] = path
		if _, err := savedmodel.Dir(path); err == nil {
			continue
		}
		if archive == nil {
			if archive, err = s.Open(ctx); err != nil {
				return nil, err
			}
		}
		if err := d.Write(archive, path); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// Folder is where a detector is kept below a home.
func (d Detector) Folder(home string) string { return filepath.Join(home, d.Name+"-"+d.key()) }

// making changes whenever what is built around the networks does.
const making = 2

// key tells detectors of one name apart.
func (d Detector) key() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", making, HumanModels.Integrity))
	return fmt.Sprintf("%x", sum[:4])
}
