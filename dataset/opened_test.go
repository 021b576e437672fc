package dataset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// watchOpened asks the kernel which files of folders are opened from now on. What
// it returns says which, each once, in the order of their names.
func watchOpened(t *testing.T, folders []string) func() []string {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	names := map[int32]string{}
	for _, f := range folders {
		w, err := unix.InotifyAddWatch(fd, f, unix.IN_OPEN)
		if err != nil {
			t.Fatal(err)
		}
		names[int32(w)] = filepath.Base(f)
	}
	return func() []string {
		buffer := make([]byte, 1<<20)
		n, err := unix.Read(fd, buffer)
		if err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
		var opened []string
		for left := buffer[:max(n, 0)]; len(left) >= unix.SizeofInotifyEvent; {
			watch, length := binary.NativeEndian.Uint32(left), binary.NativeEndian.Uint32(left[12:])
			end := unix.SizeofInotifyEvent + int(length)
			if name := string(bytes.TrimRight(left[unix.SizeofInotifyEvent:end], "\x00")); name != "" { // else the folder itself
				opened = append(opened, names[int32(watch)]+"/"+name)
			}
			left = left[end:]
		}
		slices.Sort(opened)
		return slices.Compact(opened)
	}
}

// TestWorkersOpenTheirOwnFiles: of several workers each opens the pictures of its
// part of the batches and no others.
func TestWorkersOpenTheirOwnFiles(t *testing.T) {
	root := t.TempDir()
	var folders []string
	for v := range 8 {
		path := filepath.Join(root, "train", fmt.Sprintf("v%d", v))
		folder(t, path, v, 5)
		folders = append(folders, path)
	}
	folder(t, filepath.Join(root, "test", "w"), 9, 2)
	const workers, attempts = 4, 2 // an epoch
	var all []string
	for part := range workers {
		d := open(t, params(t, root))
		l, err := d.Loader(LoaderParams{Seed: 5, BatchSize: 4, NumRepeats: 1, Parts: workers, Part: part})
		if err != nil {
			t.Fatal(err)
		}
		opened := watchOpened(t, folders)
		var want []string
		for attempt := range int64(attempts) {
			b, err := l.Batch(attempt)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range b.Items {
				want = append(want, fmt.Sprintf("%s/%03d.png", it.Name, it.Source), fmt.Sprintf("%s/%03d.png", it.Name, it.Driving))
			}
		}
		slices.Sort(want)
		want = slices.Compact(want)
		if got := opened(); !slices.Equal(got, want) {
			t.Errorf("worker %d opens %v, its pairs are of %v", part, got, want)
		}
		for _, name := range want {
			all = append(all, filepath.Dir(name))
		}
	}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 8 {
		t.Errorf("%d videos in an epoch of 8", n)
	}
}
