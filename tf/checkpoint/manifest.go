package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"regexp"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

const (
	manifestName    = "manifest.json"
	manifestSumName = "manifest.json.crc32c"
	// manifestFormat tells a checkpoint from any other folder with a manifest.
	manifestFormat = "prioritycut-checkpoint"
	// FormatVersion is the version of the layout that this package
	// writes, and the newest that it reads.
	FormatVersion = 1
	// maxManifest bounds a manifest, caller's metadata included.
	maxManifest = 16 << 20
	// maxGroups bounds the number of files of a checkpoint.
	maxGroups = 64
)

// manifest describes a checkpoint. Its own checksum lies beside it.
type manifest struct {
	Format        string          `json:"format"`
	FormatVersion int             `json:"format_version"`
	Step          int64           `json:"step"`
	Meta          json.RawMessage `json:"meta"`
	Files         []manifestFile  `json:"files"`
}

// manifestFile describes the file of a group of tensors.
type manifestFile struct {
	Group   string `json:"group"`
	Name    string `json:"name"`
	Bytes   int64  `json:"bytes"`
	Tensors int    `json:"tensors"`
	CRC32C  string `json:"crc32c"` // eight hexadecimal digits
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksumText(sum uint32) string { return fmt.Sprintf("%08x", sum) }

// groupPattern keeps a group's file inside its folder and portable.
var groupPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

func groupFile(group string) string { return group + ".safetensors" }

// encode returns the manifest's text and the text of its checksum file.
func (m *manifest) encode() (text, sum []byte, err error) {
	text, err = json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, nil, fmt.Errorf("encoding the manifest (is meta JSON?): %w", err)
	}
	text = append(text, '\n')
	if len(text) > maxManifest {
		return nil, nil, fmt.Errorf("the manifest takes %d bytes, more than %d: meta is too big", len(text), maxManifest)
	}
	return text, manifestSum(text), nil
}

// manifestSum returns the contents of the checksum file.
func manifestSum(text []byte) []byte {
	return []byte(checksumText(crc32.Checksum(text, castagnoli)) + "\n")
}

// readManifest reads and checks the manifest of a checkpoint.
func readManifest(dir string) (*manifest, error) {
	text, err := readSmall(filepath.Join(dir, manifestName), maxManifest)
	if err != nil {
		return nil, err
	}
	sum, err := readSmall(filepath.Join(dir, manifestSumName), 64)
	if err != nil {
		return nil, err
	}
	if want := manifestSum(text); !bytes.Equal(sum, want) {
		return nil, damaged("%s has checksum %q, but %s says %.20q", manifestName, want, manifestSumName, sum)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, damaged("%s: %w", manifestName, err)
	}
	err = m.check()
	var newer *VersionError
	switch {
	case errors.As(err, &newer):
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	case err != nil:
		return nil, damaged("%s: %w", manifestName, err)
	}
	return &m, nil
}

// check refuses what this package would not write.
func (m *manifest) check() error {
	if m.Format != manifestFormat {
		return fmt.Errorf("format is %.40q, want %q", m.Format, manifestFormat)
	}
	if m.FormatVersion > FormatVersion {
		return &VersionError{Version: m.FormatVersion}
	}
	if m.FormatVersion < 1 {
		return fmt.Errorf("format_version is %d", m.FormatVersion)
	}
	if m.Step < 0 {
		return fmt.Errorf("step is %d", m.Step)
	}
	if len(m.Files) == 0 || len(m.Files) > maxGroups {
		return fmt.Errorf("%d files, want 1 to %d", len(m.Files), maxGroups)
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		if !groupPattern.MatchString(f.Group) || f.Name != groupFile(f.Group) || seen[f.Group] {
			return fmt.Errorf("group %.80q with file %.80q: its name is not allowed, used twice or not that of the file", f.Group, f.Name)
		}
		seen[f.Group] = true
	}
	return nil
}

// VersionError says that a newer version of this program wrote a checkpoint.
type VersionError struct{ Version int }

// Error implements error.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the checkpoint has format_version %d, this program reads up to %d: use a newer version of it", e.Version, FormatVersion)
}

// openStored opens a file of a checkpoint. One that is missing or no file is
// damage.
func openStored(path string) (*localfile.File, int64, error) {
	f, size, err := localfile.Open(path)
	var other *localfile.NotRegularError
	if errors.As(err, &other) {
		return nil, 0, &DamageError{Err: err}
	}
	if err != nil {
		return nil, 0, missing(path, err)
	}
	return f, size, nil
}

// readSmall reads a regular file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, _, err := openStored(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, damaged("%s has more than %d bytes", path, limit)
	}
	return text, nil
}
