// Package machine tells what the machine offers to this process.
package machine

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
)

// Memory is the number of bytes that the process may use: the machine's memory
// or, where smaller, the limit of a control group around the process.
func Memory() (int64, error) { return memory(os.ReadFile) }

func memory(read func(string) ([]byte, error)) (int64, error) {
	text, err := read("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("the machine's memory is not known: %w", err)
	}
	total, err := memTotal(strings.NewReader(string(text)))
	if err != nil {
		return 0, err
	}
	for _, file := range limitFiles(read) {
		text, err := read(file)
		if err != nil {
			continue
		}
		// "max", or a number near 2^63, where there is no limit.
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && limit > 0 && limit < total {
			total = limit
		}
	}
	return total, nil
}

func memTotal(r io.Reader) (int64, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err == nil && kb > 0 {
				return kb << 10, nil
			}
		}
	}
	return 0, fmt.Errorf("the machine's memory is not known: /proc/meminfo has no MemTotal")
}

// limitFiles are the places of memory limits: version 2 of control groups, from
// the process's group up to the root, then version 1.
func limitFiles(read func(string) ([]byte, error)) []string {
	var files []string
	if text, err := read("/proc/self/cgroup"); err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			group, ok := strings.CutPrefix(line, "0::")
			for ok && group != "" {
				files = append(files, path.Join("/sys/fs/cgroup", group, "memory.max"))
				if group == "/" {
					break
				}
				group = path.Dir(group)
			}
		}
	}
	return append(files, "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
}
