package evaluate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// openedDigest is that of the SavedModel that a path names and open opens: one that
// is replaced meanwhile would be measured under another's name.
func openedDigest(path string, open func() error) (digest string, err error) {
	if digest, err = modelDigest(path); err != nil {
		return "", err
	}
	if err := open(); err != nil {
		return "", err
	}
	switch now, err := modelDigest(path); {
	case err != nil:
		return "", err
	case now != digest:
		return "", fmt.Errorf("SavedModel %s was replaced while it was opened: type the same command again", path)
	}
	return digest, nil
}

// modelDigest is that of the SavedModel that a path names.
func modelDigest(path string) (string, error) {
	dir, err := savedmodel.Dir(path)
	if err != nil {
		return "", err
	}
	return folderDigest(dir)
}

// folderDigest is the SHA-256 of the names and contents of a folder's files.
func folderDigest(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return addFile(h, filepath.ToSlash(name), path)
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

func addFile(to io.Writer, name, path string) error {
	f, size, err := localfile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintf(to, "%q %d\n", name, size)
	_, err = io.Copy(to, io.LimitReader(f, size))
	return err
}

// testSetDigest identifies the test videos by their names, in 16 digits.
func testSetDigest(videos []dataset.TestVideo) string {
	h := sha256.New()
	for _, v := range videos {
		fmt.Fprintf(h, "%q\n", v.Name())
	}
	return short(hex.EncodeToString(h.Sum(nil)))
}

// short is enough of a digest to tell files apart.
func short(digest string) string { return digest[:min(len(digest), 16)] }
