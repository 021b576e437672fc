package machine

import (
	"io/fs"
	"testing"
)

func TestMemory(t *testing.T) {
	const meminfo = "MemTotal:        1024 kB\nMemFree:  3 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"no group":  {map[string]string{"/proc/meminfo": meminfo}, 1 << 20},
		"unlimited": {map[string]string{"/proc/meminfo": meminfo, "/sys/fs/cgroup/memory.max": "max\n"}, 1 << 20},
		"version 1": {map[string]string{"/proc/meminfo": meminfo, "/sys/fs/cgroup/memory/memory.limit_in_bytes": "4096\n"}, 4096},
		"parent":    {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/memory.max": "8192\n"}, 8192},
		"larger":    {map[string]string{"/proc/meminfo": meminfo, "/sys/fs/cgroup/memory.max": "9223372036854771712\n"}, 1 << 20},
		"no number": {map[string]string{"/proc/meminfo": "MemTotal: lots kB\n"}, 0},
		"no file":   {map[string]string{}, 0},
	} {
		got, err := memory(func(file string) ([]byte, error) {
			if text, ok := c.files[file]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		})
		if got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%s: %d, %v; want %d", name, got, err, c.want)
		}
	}
}

func TestMemoryHere(t *testing.T) {
	if got, err := Memory(); err != nil || got < 1<<26 {
		t.Errorf("Memory() = %d, %v", got, err)
	}
}
