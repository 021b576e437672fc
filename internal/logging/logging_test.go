package logging

import (
	"bytes"
	"errors"
	goflag "flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang/glog"
)

// stderrFile makes standard error a file for the test.
func stderrFile(t *testing.T) (read func() string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	was := os.Stderr
	os.Stderr = f
	t.Cleanup(func() { os.Stderr = was; f.Close() })
	return func() string {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func setFlag(t *testing.T, name, value string) {
	t.Helper()
	was := flagValue(name)
	if err := goflag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = goflag.Set(name, was) })
}

// onlyFile reads the only file of a folder.
func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("there are %v, %v", paths, err)
	}
	text, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestWhereLinesGo logs before and after the folder is known.
func TestWhereLinesGo(t *testing.T) {
	tests := map[string]struct {
		flags        map[string]string
		file, stderr string // the words that are there
	}{
		"folder of the program": {nil, "one two three four", "two four"},
		"folder of the user":    {map[string]string{"log_dir": "@"}, "one two three four", "two four"},
		"also standard error":   {map[string]string{"alsologtostderr": "true"}, "one two three four", "one two three four"},
		"only standard error":   {map[string]string{"logtostderr": "true"}, "", "one two three four"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir, other := filepath.Join(t.TempDir(), "logs"), filepath.Join(t.TempDir(), "other")
			setFlag(t, "stderrthreshold", "WARNING")
			for flag, value := range test.flags {
				setFlag(t, flag, strings.ReplaceAll(value, "@", dir))
			}
			stderr := stderrFile(t)
			stop := Start(nil)
			glog.Info("one\nand its second line")
			glog.Warning("two")
			if test.flags["log_dir"] == "" {
				Into(dir)
			} else {
				Into(other)
			}
			glog.Info("three")
			glog.Error("four")
			Flush()
			if _, err := os.Stat(other); err == nil {
				t.Error("the program's folder is used beside the user's")
			}
			var file string
			if test.file != "" {
				file = onlyFile(t, dir)
			} else if _, err := os.Stat(dir); err == nil {
				t.Error("a file was written")
			}
			stop()
			for _, word := range []string{"one", "two", "three", "four"} {
				if strings.Contains(file, word) != strings.Contains(test.file, word) {
					t.Errorf("file, %s:\n%s", word, file)
				}
				if strings.Contains(stderr(), word) != strings.Contains(test.stderr, word) {
					t.Errorf("standard error, %s:\n%s", word, stderr())
				}
			}
		})
	}
}

// TestWhatCannotBeWritten has a folder that is none and a standard error that is
// closed: glog alone would end the process.
func TestWhatCannotBeWritten(t *testing.T) {
	setFlag(t, "log_dir", "/dev/null/logs")
	stderr := stderrFile(t)
	stop := Start(nil)
	for range 3 {
		glog.Info("a line")
	}
	stop()
	if n := strings.Count(stderr(), "a line"); n != 3 || strings.Count(stderr(), "log: ") != 1 {
		t.Errorf("standard error has %d of 3 lines:\n%s", n, stderr())
	}
	os.Stderr.Close()
	stop = Start(nil)
	glog.Error("nobody reads this")
	stop()
}

// fullDisk is a file on a disk that is full at times.
type fullDisk struct {
	bytes.Buffer
	full bool
}

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.full {
		return 0, errors.New("no space left on device")
	}
	return d.Buffer.Write(p)
}

func (*fullDisk) Close() error { return nil }

// TestFullDisk: lines go to standard error until there is room again.
func TestFullDisk(t *testing.T) {
	disk, stderr := &fullDisk{}, &bytes.Buffer{}
	now := time.Now()
	s := &sink{
		stderr: stderr, threshold: warning, dir: "logs", now: func() time.Time { return now },
		open: func(string) (io.WriteCloser, error) { return disk, nil },
	}
	put := func(text string) { s.put([]byte("I1128 00:40:00.000000 1 x.go:1] "+text+"\n"), true) }
	put("first")
	disk.full = true
	put("second")
	put("third")
	disk.full = false
	put("fourth") // too soon to try again
	now = now.Add(retryAfter)
	put("fifth")
	for _, c := range []struct{ where, has, hasNot string }{
		{disk.String(), "first fifth", "second third fourth"}, {stderr.String(), "second third fourth space", "first fifth"},
	} {
		for _, word := range strings.Fields(c.has) {
			if !strings.Contains(c.where, word) {
				t.Errorf("lacks %q:\n%s", word, c.where)
			}
		}
		for _, word := range strings.Fields(c.hasNot) {
			if strings.Contains(c.where, word) {
				t.Errorf("has %q:\n%s", word, c.where)
			}
		}
	}
}
