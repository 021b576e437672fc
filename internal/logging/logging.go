// Package logging keeps glog from ending the program.
//
// glog leaves the process when a line cannot be written: into a folder that is
// not writable, on a disk that is full, to a standard error that was closed.
// Here its lines pass through a pipe to a goroutine that hands them on: those of
// --stderrthreshold and above to standard error, all of them to a file in
// --log_dir, or in the folder that the program names by Into. What no file takes
// goes to standard error, and what that does not take is lost; nothing of it
// ends a program or keeps it waiting.
package logging

import (
	"bufio"
	"bytes"
	goflag "flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/golang/glog"
)

// flushPatience bounds how long Flush waits for a standard error that does not
// take anything.
const flushPatience = 2 * time.Second

// router hands on what glog writes.
type router struct {
	write  *os.File // glog's end of the pipe
	stderr *os.File // the process's own
	sink   *sink
	typed  func(string) string // may be nil
	ended  chan struct{}

	mu      sync.Mutex
	flushes map[string]chan struct{}
	count   int
}

var (
	mu     sync.Mutex
	active *router
)

// Start begins to route glog's lines, by glog's flags as they are then, each as
// typed shows it (nil: as it is), and returns what ends it: all lines are written, and glog is as it was. A second
// Start before that does nothing.
func Start(typed func(line string) string) (stop func()) {
	mu.Lock()
	defer mu.Unlock()
	if active != nil {
		return func() {}
	}
	r, err := newRouter(typed)
	if err != nil {
		// Without a pipe glog goes on by itself.
		fmt.Fprintf(os.Stderr, "log: %v\n", err)
		return func() {}
	}
	was := flagValue("logtostderr")
	os.Stderr = r.write
	_ = goflag.Set("logtostderr", "true") // the flag exists
	active = r
	go r.run()
	return func() {
		Flush()
		mu.Lock()
		defer mu.Unlock()
		active = nil
		os.Stderr = r.stderr
		_ = goflag.Set("logtostderr", was)
		r.write.Close()
		waitFor(r.ended)
	}
}

func newRouter(typed func(string) string) (*router, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	threshold, err := strconv.Atoi(flagValue("stderrthreshold"))
	if err != nil {
		threshold = warning
	}
	toStderr := flagValue("logtostderr") == "true"
	if toStderr || flagValue("alsologtostderr") == "true" {
		threshold = info
	}
	r := &router{
		write: write, stderr: os.Stderr, typed: typed, ended: make(chan struct{}), flushes: map[string]chan struct{}{},
		sink: &sink{stderr: os.Stderr, threshold: threshold, dir: flagValue("log_dir"), off: toStderr},
	}
	r.sink.in = bufio.NewReaderSize(read, 1<<16)
	r.sink.pipe = read
	return r, nil
}

func flagValue(name string) string {
	if f := goflag.Lookup(name); f != nil {
		return f.Value.String()
	}
	return ""
}

// Stderr is the process's standard error. What is no line of the log is written
// to it.
func Stderr() *os.File {
	mu.Lock()
	defer mu.Unlock()
	if active != nil {
		return active.stderr
	}
	return os.Stderr
}

// Into names the folder of log files; it is made when there is something to
// write. What was logged before goes there too. A folder that the user named
// wins, and so does --logtostderr.
func Into(dir string) {
	mu.Lock()
	defer mu.Unlock()
	if active != nil {
		active.sink.into(dir)
	}
}

// Flush waits until all that was logged before is written, or cannot be.
func Flush() {
	glog.Flush()
	mu.Lock()
	r := active
	mu.Unlock()
	if r != nil {
		r.flush()
	}
}

// flushMark begins a line that asks for an answer instead of being handed on.
var flushMark = fmt.Sprintf("\x00flush-%d-%x-", os.Getpid(), time.Now().UnixNano())

func (r *router) flush() {
	r.mu.Lock()
	r.count++
	mark, done := fmt.Sprintf("%s%d", flushMark, r.count), make(chan struct{})
	r.flushes[mark] = done
	r.mu.Unlock()
	// A pipe that is full would keep this goroutine.
	go fmt.Fprintln(r.write, mark)
	waitFor(done)
}

func waitFor(done <-chan struct{}) {
	select {
	case <-done:
	case <-time.After(flushPatience):
	}
}

// run hands on lines until the pipe is closed.
func (r *router) run() {
	defer close(r.ended)
	defer r.sink.close()
	begun := true // the next piece begins a line
	for {
		piece, err := r.sink.in.ReadSlice('\n')
		if begun && bytes.HasPrefix(piece, []byte(flushMark)) {
			r.answer(string(bytes.TrimSuffix(piece, []byte("\n"))))
		} else if len(piece) > 0 {
			shown := piece
			if r.typed != nil {
				shown = []byte(r.typed(string(piece)))
			}
			r.sink.put(shown, begun)
		}
		begun = bytes.HasSuffix(piece, []byte("\n"))
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}

func (r *router) answer(mark string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if done := r.flushes[mark]; done != nil {
		close(done)
		delete(r.flushes, mark)
	}
}

// fileName is the log file's name: that of the program, when it began to write,
// and its process.
func fileName(now time.Time) string {
	return fmt.Sprintf("%s-%s-%d.log", filepath.Base(os.Args[0]), now.UTC().Format("20060102-150405"), os.Getpid())
}
