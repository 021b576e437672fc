package ablation

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asChild makes this test's binary a program that has children.
const asChild = "PRIORITYCUT_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(asChild); what != "" && len(os.Args) > 1 && os.Args[1] == childArgument {
		switch what {
		case "work":
			code, _ := Child(os.Args[1:])
			os.Exit(code)
		case "deaf": // as a child that has not begun to listen
			time.Sleep(time.Minute)
		case "broken":
			os.Stderr.WriteString("step 3/9 of it\nwhat is wrong")
			os.Exit(7)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestChildStops: a child that dies of the signal that asks it to stop has not
// failed.
func TestChildStops(t *testing.T) {
	t.Setenv(asChild, "deaf")
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := (job{}).run(ctx, filepath.Join(t.TempDir(), "logs", "x.log"), nil); err != nil || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// TestChildFails shows the end of what a child wrote.
func TestChildFails(t *testing.T) {
	t.Setenv(asChild, "broken")
	var seen []string
	err := job{}.run(context.Background(), filepath.Join(t.TempDir(), "x.log"), func(lines []string) { seen = append(seen, lines...) })
	if err == nil || !strings.Contains(err.Error(), "exit status 7") || !strings.Contains(err.Error(), "what is wrong") {
		t.Errorf("a child that fails: %v", err)
	}
	if step, found := steps(seen); step != 3 || !found {
		t.Errorf("its lines: %q", seen)
	}
	t.Setenv(asChild, "work")
	if err = (job{}).run(context.Background(), filepath.Join(t.TempDir(), "x.log"), nil); err == nil || !strings.Contains(err.Error(), "started by the program itself") {
		t.Errorf("a child without a job: %v", err)
	}
	if _, is := Child([]string{"--help"}); is {
		t.Error("a program without a job is a child")
	}
}

// TestLogFollows reads what is appended, lines that come in parts too, and
// nothing from before.
func TestLogFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	if err := os.WriteFile(path, []byte("old\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for _, c := range []struct{ text, want string }{
		{"a\nb", "a"}, {"", ""}, {"c\n", "bc"}, {strings.Repeat("x", mostLine), strings.Repeat("x", mostLine)}, {"y\n", "y"},
	} {
		if _, err := l.file.WriteString(c.text); err != nil {
			t.Fatal(err)
		}
		lines, err := l.read()
		if got := strings.Join(lines, "|"); err != nil || got != c.want {
			t.Errorf("after %.20q: %.20q, %v", c.text, got, err)
		}
	}
}
