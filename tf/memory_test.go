package tf

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// memoryCase makes a process of TestTensorMemory begin with one of its cases.
const memoryCase = "PRIORITYCUT_TEST_MEMORY_CASE"

// Tensors are cut from the op library's range of addresses where it is loaded before
// the first of them is made; where one was, the process goes on as it began.
func TestTensorMemory(t *testing.T) {
	if name := os.Getenv(memoryCase); name != "" {
		fmt.Printf("in the range %d\n", tensorMemory(t, name == "late"))
		return
	}
	for _, c := range []struct {
		name, kernels string
		pooled        bool
	}{{"early", "", true}, {"late", "", false}, {"early", kernelsOff, false}} {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v=false")
		cmd.Env = append(os.Environ(), memoryCase+"="+c.name, KernelsEnv+"="+c.kernels)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%+v: %v\n%s", c, err, out)
		}
		var bytes int
		_, text, _ := strings.Cut(string(out), "in the range ")
		if _, err := fmt.Sscan(text, &bytes); err != nil {
			t.Fatalf("%+v: %v in %s", c, err, out)
		}
		if got := bytes >= largeTensor; got != c.pooled {
			t.Errorf("%+v: %d bytes of the range are in use", c, bytes)
		}
	}
}

// largeTensor is the size of a tensor in bytes that the C library would not have at
// hand.
const largeTensor = 96 << 20

// tensorMemory loads the op library, makes a large tensor behind or before it and
// returns how much of the library's range may be written to.
func tensorMemory(t *testing.T, first bool) int {
	t.Helper()
	if first {
		if _, err := Scalar(float32(1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := LoadOps(); err != nil {
		t.Fatal(err)
	}
	large, err := NewTensor(make([]byte, largeTensor), largeTensor)
	if err != nil {
		t.Fatal(err)
	}
	usable := usableRange(t)
	if got, err := Values[uint8](large); err != nil || len(got) != largeTensor {
		t.Errorf("%d bytes of the tensor, %v", len(got), err)
	}
	return usable
}

// usableRange is the size of the memory in front of a reserved range that is larger
// than the machine's memory, 0 where there is none.
func usableRange(t *testing.T) int {
	t.Helper()
	var machine syscall.Sysinfo_t
	if err := syscall.Sysinfo(&machine); err != nil {
		t.Fatal(err)
	}
	memory := uint64(machine.Totalram) * uint64(machine.Unit)
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var usable, end uint64
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var from, to uint64
		var rights string
		if _, err := fmt.Sscanf(sc.Text(), "%x-%x %s", &from, &to, &rights); err != nil {
			t.Fatal(err)
		}
		if rights == "---p" && to-from > memory && from == end {
			return int(usable)
		}
		usable, end = 0, to
		if rights == "rw-p" {
			usable = to - from
		}
	}
	return 0
}
