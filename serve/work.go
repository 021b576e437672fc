package serve

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

// workFolder is a server's own folder. It is locked as long as the server
// lives, so that the next server knows which folders are left over.
type workFolder struct {
	dir  string
	lock *folderlock.Lock
}

const serverPrefix = "server-"

// openWork removes what dead servers left under root and makes a folder for
// this one. An empty root is the user's own in the system's temporary folder.
func openWork(root string) (*workFolder, error) {
	if root == "" {
		root = filepath.Join(os.TempDir(), fmt.Sprintf("prioritycut-serve-%d", os.Getuid()))
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if root, err = trustedLink(root); err != nil {
		return nil, fmt.Errorf("the folder for jobs: %w", err)
	}
	if err := ownFolder(root); err != nil {
		return nil, err
	}
	lock, err := lockPatiently(root)
	if err != nil {
		return nil, err
	}
	defer unlock(lock)
	if err := removeLeftovers(root); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(root, serverPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("the folder for jobs: %w", err)
	}
	own, err := folderlock.Acquire(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &workFolder{dir: dir, lock: own}, nil
}

// trustedLink follows a link that only the system or this user can have laid, as
// systemd lays /var/cache/NAME: it and the folder that it lies in are theirs.
// Other links stay, and ownFolder refuses them.
func trustedLink(root string) (string, error) {
	link, err := os.Lstat(root)
	if err != nil || link.Mode()&os.ModeSymlink == 0 {
		return root, nil // what is not there yet is made
	}
	parent, err := os.Stat(filepath.Dir(root))
	if err != nil {
		return "", err
	}
	if !ours(link) || !ours(parent) || parent.Mode().Perm()&0o022 != 0 {
		return root, nil
	}
	return filepath.EvalSymlinks(root)
}

// ours tells whether root or this user owns a file.
func ours(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int(stat.Uid) == os.Getuid())
}

// ownFolder makes root, or sees that it is a folder that nobody else can
// write to: others may have made that name in a shared folder before us.
func ownFolder(root string) error {
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		return fmt.Errorf("the folder for jobs: %w", err)
	}
	if err := os.Mkdir(root, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("the folder for jobs: %w", err)
	}
	info, err := os.Lstat(root)
	if err != nil {
		return fmt.Errorf("the folder for jobs: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("the folder for jobs %s is not a folder that only you can write to: choose another one by `work`", root)
	}
	return nil
}

// lockPatiently waits for another server that is starting.
func lockPatiently(dir string) (*folderlock.Lock, error) {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		lock, err := folderlock.Acquire(dir)
		var locked *folderlock.LockedError
		if err == nil || !errors.As(err, &locked) || time.Now().After(end) {
			return lock, err
		}
	}
}

func unlock(l *folderlock.Lock) {
	if err := l.Unlock(); err != nil {
		glog.Warningf("serve: %v", err)
	}
}

// removeLeftovers removes the folders of servers that do not live any more.
func removeLeftovers(root string) error {
	entries, err := localfile.ReadDir(root)
	if err != nil {
		return fmt.Errorf("the folder for jobs: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), serverPrefix) {
			continue
		}
		dir := filepath.Join(root, e.Name())
		lock, err := folderlock.Acquire(dir)
		if err != nil {
			continue // it is alive
		}
		err = os.RemoveAll(dir)
		unlock(lock)
		if err != nil {
			return fmt.Errorf("removing what an earlier server left: %w", err)
		}
	}
	return nil
}

// Close removes the folder.
func (w *workFolder) Close() error {
	return errors.Join(os.RemoveAll(w.dir), w.lock.Unlock())
}
