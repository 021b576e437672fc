package tf

import (
	"bytes"
	"os"
	"sync"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
	"golang.org/x/sys/unix"
)

// logLevelEnv is TensorFlow's log level: 0 everything, 1 no INFO, 2 no
// WARNING, 3 no ERROR. Programs set it to 2 where it is not set (package
// startup).
const logLevelEnv = "TF_CPP_MIN_LOG_LEVEL"

var firstRun sync.Once

// quietFirstRun runs a trivial graph once per process, to bring out a notice
// which no log level of TensorFlow 2.18 silences: its first Session.Run writes
// "MLIR V1 optimization pass is not enabled" through a logging library that is
// never initialised, and that library adds a warning about itself. Standard
// error goes to memory for that moment, and what is no such notice is written
// to it afterwards. config must have the thread settings of the session to
// come, because the first session makes the pools of the process.
func quietFirstRun(config []byte) {
	firstRun.Do(func() {
		if os.Getenv(logLevelEnv) == "0" {
			return
		}
		// Best effort: where it fails, the notice is seen.
		captured, err := captureStderr(func() { trivialRun(config) })
		if err == nil {
			_, _ = unix.Write(2, withoutNotices(captured)) // nothing to do about an error
		}
	})
}

// trivialRun evaluates a constant.
func trivialRun(config []byte) {
	_ = guard("running a constant", func() error {
		s := op.NewScope()
		one := op.Const(s, int32(1))
		graph, err := s.Finalize()
		if err != nil {
			return err
		}
		session, err := tensorflow.NewSession(graph, &tensorflow.SessionOptions{Config: config})
		if err != nil {
			return err
		}
		defer session.Close()
		_, err = session.Run(nil, []tensorflow.Output{one}, nil)
		return err
	})
}

// captureStderr runs f while file descriptor 2 is an anonymous file, and
// returns what was written to it by anything in the process.
func captureStderr(f func()) ([]byte, error) {
	fd, err := unix.MemfdCreate("stderr", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "stderr")
	defer file.Close()
	saved, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	defer unix.Close(saved)
	if err := unix.Dup3(fd, 2, 0); err != nil {
		return nil, err
	}
	func() {
		defer unix.Dup3(saved, 2, 0) // the descriptor was valid a moment ago
		f()
	}()
	size, err := file.Seek(0, 2)
	if err != nil {
		return nil, err
	}
	captured := make([]byte, size)
	n, err := file.ReadAt(captured, 0)
	return captured[:n], err
}

// notices are parts of the lines that a first run always writes.
var notices = [][]byte{
	[]byte("WARNING: All log messages before absl::InitializeLog() is called are written to STDERR"),
	[]byte("MLIR V1 optimization pass is not enabled"),
}

// withoutNotices returns the lines that have none of the notices.
func withoutNotices(text []byte) []byte {
	var kept []byte
	for _, line := range bytes.SplitAfter(text, []byte("\n")) {
		if !isNotice(line) {
			kept = append(kept, line...)
		}
	}
	return kept
}

func isNotice(line []byte) bool {
	for _, n := range notices {
		if bytes.Contains(line, n) {
			return true
		}
	}
	return false
}
