package checkpoint

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/safetensors"
	"github.com/prioritycut/prioritycut/tf"
)

// Write writes a checkpoint into a new folder: all of it, durably,
// or nothing under that name. A folder that exists is an error. meta is the
// caller's JSON, at most 16 MiB. Tensors are written from where they lie,
// without another copy of them.
func Write(fs durable.FileSystem, dir string, step int64, meta json.RawMessage, groups ...Group) error {
	parent, name := filepath.Split(filepath.Clean(dir))
	if parent == "" {
		parent = "."
	}
	temp, err := writeAside(fs, parent, name, step, meta, groups)
	if err != nil {
		return fmt.Errorf("writing checkpoint %s: %w", dir, err)
	}
	if err := durable.Publish(fs, temp, dir); err != nil {
		return fmt.Errorf("writing checkpoint %s: %w", dir, err)
	}
	return nil
}

// writeAside writes a complete, synced checkpoint into a new folder in parent
// that no reader takes for one, and returns its path.
func writeAside(fs durable.FileSystem, parent, name string, step int64, meta json.RawMessage, groups []Group) (string, error) {
	if err := checkGroups(step, meta, groups); err != nil {
		return "", err
	}
	temp := filepath.Join(parent, durable.UniqueName(tempPrefix, name))
	if err := fs.Mkdir(temp); err != nil {
		return "", err
	}
	if err := writeContents(fs, temp, step, meta, groups); err != nil {
		// What cannot be removed now goes with the next Clean.
		return "", errors.Join(err, fs.RemoveAll(temp))
	}
	return temp, nil
}

// checkGroups refuses what could not be read back.
func checkGroups(step int64, meta json.RawMessage, groups []Group) error {
	if step < 0 {
		return fmt.Errorf("step is %d", step)
	}
	if len(meta) > 0 && !json.Valid(meta) {
		return errors.New("meta is no JSON")
	}
	if len(groups) == 0 || len(groups) > maxGroups {
		return fmt.Errorf("%d groups, want 1 to %d", len(groups), maxGroups)
	}
	seen := map[string]bool{}
	for _, g := range groups {
		if !groupPattern.MatchString(g.Name) {
			return fmt.Errorf("group name %q: want lower-case letters, digits, '_' and '-', a letter first, at most 64", g.Name)
		}
		if seen[g.Name] {
			return fmt.Errorf("two groups are named %q", g.Name)
		}
		seen[g.Name] = true
	}
	return nil
}

// writeContents fills a folder: the groups side by side, then the manifest.
func writeContents(fs durable.FileSystem, dir string, step int64, meta json.RawMessage, groups []Group) error {
	m := &manifest{
		Format:        manifestFormat,
		FormatVersion: FormatVersion,
		Step:          step,
		Meta:          meta,
		Files:         make([]manifestFile, len(groups)),
	}
	if len(meta) == 0 {
		m.Meta = json.RawMessage("null")
	}
	var tasks errgroup.Group
	tasks.SetLimit(workers)
	for i, g := range groups {
		tasks.Go(func() error {
			var err error
			if m.Files[i], err = writeGroup(fs, dir, step, g); err != nil {
				return fmt.Errorf("group %s: %w", g.Name, err)
			}
			return nil
		})
	}
	if err := tasks.Wait(); err != nil {
		return err
	}
	text, sum, err := m.encode()
	if err != nil {
		return err
	}
	if err := writeSmall(fs, filepath.Join(dir, manifestName), text); err != nil {
		return err
	}
	if err := writeSmall(fs, filepath.Join(dir, manifestSumName), sum); err != nil {
		return err
	}
	return fs.SyncDir(dir)
}

// writeGroup writes the file of a group and describes it.
func writeGroup(fs durable.FileSystem, dir string, step int64, g Group) (manifestFile, error) {
	tensors, err := storedTensors(g)
	if err != nil {
		return manifestFile{}, err
	}
	defer runtime.KeepAlive(g.Tensors) // tensors hold views of their memory
	name := groupFile(g.Name)
	w := &summingWriter{}
	err = durable.WriteNew(fs, filepath.Join(dir, name), func(out io.Writer) error {
		w.out = out
		// Headers and small tensors gather; large ones pass straight through.
		b := bufio.NewWriterSize(w, copyBuffer)
		fileMeta := map[string]string{"format_version": strconv.Itoa(FormatVersion), "step": strconv.FormatInt(step, 10)}
		if err := safetensors.Write(b, tensors, fileMeta); err != nil {
			return err
		}
		return b.Flush()
	})
	if err != nil {
		return manifestFile{}, err
	}
	return manifestFile{Group: g.Name, Name: name, Bytes: w.bytes, Tensors: len(tensors), CRC32C: checksumText(w.sum)}, nil
}

// storedTensors describes tensors for the writer; their Data is TensorFlow's
// own memory.
func storedTensors(g Group) ([]safetensors.Tensor, error) {
	stored := make([]safetensors.Tensor, len(g.Tensors))
	for i, t := range g.Tensors {
		if t.Tensor == nil {
			return nil, fmt.Errorf("tensor %q is nil", t.Name)
		}
		dataType, ok := storedType(t.Tensor.DataType())
		if !ok {
			return nil, fmt.Errorf("tensor %q has %s elements, which cannot be stored", t.Name, tf.TypeName(t.Tensor.DataType()))
		}
		raw, err := tf.Bytes(t.Tensor)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		stored[i] = safetensors.Tensor{Name: t.Name, DType: dataType, Shape: t.Tensor.Shape(), Data: raw}
	}
	return stored, nil
}

// summingWriter counts and sums what passes.
type summingWriter struct {
	out   io.Writer
	bytes int64
	sum   uint32
}

// Write sums a piece right after it was copied out, while it is in the cache.
func (w *summingWriter) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n, err := w.out.Write(p[:min(len(p), copyBuffer)])
		w.sum = crc32.Update(w.sum, castagnoli, p[:n])
		w.bytes += int64(n)
		written += n
		if err != nil {
			return written, err
		}
		p = p[n:]
	}
	return written, nil
}

func writeSmall(fs durable.FileSystem, path string, text []byte) error {
	return durable.WriteNew(fs, path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
