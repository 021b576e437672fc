package startup

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// partEnv makes this binary a program that runs a graph.
const partEnv = "STARTUP_TEST_PART"

func TestMain(m *testing.M) {
	if os.Getenv(partEnv) == "" {
		os.Exit(m.Run())
	}
	if err := runGraph(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runGraph() error {
	fmt.Fprintln(os.Stderr, "before")
	g := tensorflow.NewGraph()
	one, err := tensorflow.NewTensor(int32(1))
	if err != nil {
		return err
	}
	op, err := g.AddOperation(tensorflow.OpSpec{Type: "Const", Name: "one", Attrs: map[string]any{"dtype": tensorflow.Int32, "value": one}})
	if err != nil {
		return err
	}
	s, err := tf.NewSession(g, tf.SessionConfig{})
	if err != nil {
		return err
	}
	if _, err = s.Run(nil, []tensorflow.Output{{Op: op}}, nil); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "after")
	return s.Close()
}

// A program says nothing that its user did not ask for, and keeps what the user
// has set.
func TestQuiet(t *testing.T) {
	for _, test := range []struct {
		env   []string
		quiet bool
	}{
		{nil, true},
		{[]string{"TF_CPP_MIN_LOG_LEVEL=2"}, true},
		{[]string{"TF_CPP_MIN_LOG_LEVEL=0"}, false},
	} {
		cmd := exec.Command(os.Args[0])
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "TF_") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(append(cmd.Env, partEnv+"=1"), test.env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", test.env, err, out)
		}
		if got := string(out) == "before\nafter\n"; got != test.quiet {
			t.Errorf("%v: quiet %v, want %v; output:\n%s", test.env, got, test.quiet, out)
		}
	}
}
