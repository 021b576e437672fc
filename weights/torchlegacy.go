package weights

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
)

const (
	torchMagic    = "1950a86a20f9469cfc6c"
	torchProtocol = 1001
)

// openTorchLegacy reads the form of PyTorch 0.1.10 to 1.5, also that of
// _use_new_zipfile_serialization=False: five pickles (magic number, protocol,
// the writer's machine, the checkpoint, the keys of the storages), then each
// storage's number of elements and its bytes.
func openTorchLegacy(r io.ReaderAt, size int64) (Value, error) {
	m := newMachine(io.NewSectionReader(r, 0, size), size)
	if err := readPreamble(m); err != nil {
		return nil, err
	}
	found := storages{byKey: map[string]*storage{}, limit: size}
	m.find, m.persistent = findTorch, found.resolve
	root, err := m.load()
	if err != nil {
		return nil, fmt.Errorf("the checkpoint: %w", err)
	}
	keys, err := m.load()
	if err != nil {
		return nil, fmt.Errorf("the list of storages: %w", err)
	}
	return root, found.locate(r, m.used, size, keys)
}

func readPreamble(m *machine) error {
	magic, err := m.load()
	if err != nil {
		return fmt.Errorf("no checkpoint of torch.save: %w", err)
	}
	if n, ok := magic.(*big.Int); !ok || n.Text(16) != torchMagic {
		return fmt.Errorf("a pickle, but none that torch.save wrote")
	}
	version, err := m.load()
	if err != nil {
		return fmt.Errorf("the protocol version: %w", err)
	}
	if version != int64(torchProtocol) {
		return fmt.Errorf("the protocol version is not %d", torchProtocol)
	}
	system, err := m.load()
	if err != nil {
		return fmt.Errorf("the description of the writer's machine: %w", err)
	}
	d, ok := system.(*Dict)
	if !ok {
		return fmt.Errorf("the description of the writer's machine is %s", aKind(system))
	}
	if little, ok := d.Get("little_endian"); ok && little != true {
		return fmt.Errorf("the file was written on a big-endian machine; save it on a little-endian one")
	}
	return nil
}

// locate finds the storages behind the pickles, which end at byte at.
func (s *storages) locate(r io.ReaderAt, at, size int64, keys Value) error {
	list, ok := keys.(*List)
	if !ok {
		return fmt.Errorf("the list of storages is %s", aKind(keys))
	}
	for _, item := range list.items {
		key, ok := item.(string)
		if n, isInt := item.(int64); isInt {
			key, ok = fmt.Sprint(n), true
		}
		st := s.byKey[key]
		if !ok || st == nil || st.data != nil {
			return fmt.Errorf("the list of storages has %.40q twice, or no tensor uses it", key)
		}
		var count [8]byte
		if size-at < int64(len(count)) {
			return fmt.Errorf("storage %.40q: the file is cut short", key)
		}
		if n, err := r.ReadAt(count[:], at); n < len(count) {
			return fmt.Errorf("storage %.40q: %w", key, err)
		}
		at += int64(len(count))
		if n := binary.LittleEndian.Uint64(count[:]); n != uint64(st.count) {
			return fmt.Errorf("storage %.40q has %d elements, %d are claimed", key, n, st.count)
		}
		if st.size() > size-at {
			return fmt.Errorf("storage %.40q takes %d bytes, the file ends after %d; it is cut short", key, st.size(), size-at)
		}
		st.data = fileRegion{r, at}
		at += st.size()
	}
	if len(list.items) != len(s.order) {
		return fmt.Errorf("the file has %d storages, its tensors use %d", len(list.items), len(s.order))
	}
	return nil
}
