package reliability

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
	trainer "github.com/prioritycut/prioritycut/train"
)

// tiny are settings of networks small enough for tests. Equal runs are
// bit-equal, and the state is saved often.
var tiny = []string{
	"frame_shape=[32,32,3]", "batch_size=2", "num_kp=3",
	"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
	"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
	"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
	"discriminator_params.block_expansion=2", "vgg19.width_divisor=32", "train_params.scales=[1]", "sn=true",
	"step_milestones=[]", "log_steps=1", "validation_steps=7", "validation_videos=1", "validation_frames=2", "reconstruction_params.num_videos=1",
	"checkpoint_steps=5", "picture_steps=9", "keep_checkpoints=3", "deterministic=true", "inter_threads=1", "intra_threads=1",
}

// train is the program: cmd/train with tiny networks, `--out=DIR --steps=N`, or
// with those of a preset that is named; one of several workers where TF_CONFIG
// says so.
func train() {
	c := cli.New("train", "Trains tiny networks.")
	flags := c.AddShared()
	os.Exit(c.Main(func([]string) error {
		resolved, err := configured(*flags.Steps, flags.Set...)
		if flags.Preset != "" {
			resolved, _, err = config.Resolve(config.Options{
				Preset: flags.Preset, Data: flags.Data, VGG19: flags.VGG19, Device: "cpu", Steps: flags.Steps, Sets: flags.Set,
				Deterministic: flags.Deterministic,
			})
		}
		if err != nil {
			return cli.Usage(err)
		}
		o := trainer.RunOptions{Config: resolved, Dir: flags.Out, Out: os.Stdout}
		if o.Cluster, err = tf.ClusterOfEnvironment(); err != nil {
			return err
		}
		if os.Getenv(slowDisk) != "" {
			o.Files = slowly()
		}
		ctx, stop := cli.UntilSignalled(logging.Stderr(), "saving and stopping")
		defer stop()
		return trainer.Run(ctx, o)
	}))
}

func configured(steps int64, sets ...string) (*config.Config, error) {
	c, _, err := config.Resolve(config.Options{Variant: "prioritycut", Device: "cpu", Steps: &steps, Sets: append(slices.Clone(tiny), sets...)})
	return c, err
}

func mustConfigure(t *testing.T, steps int64) *config.Config {
	t.Helper()
	c, err := configured(steps)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start starts the program on a folder.
func start(t *testing.T, dir string, steps int64) *clitest.Program {
	t.Helper()
	p := clitest.New(t, "", "--out="+dir, fmt.Sprintf("--steps=%d", steps))
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// finish runs the program to the end of a run. A failure is one of the promise.
func finish(t *testing.T, dir string, steps int64) bool {
	t.Helper()
	p := start(t, dir, steps)
	if err := p.Wait(); err != nil {
		failf(t, "going on ends with %v\n%s", err, &p.Errs)
		return false
	}
	return true
}

// undisturbed makes a run that nothing happens to, once for each length.
func undisturbed(t *testing.T, steps int64) string {
	t.Helper()
	if runs[steps] == "" {
		dir, err := os.MkdirTemp(shared(t), "undisturbed-")
		if err != nil {
			t.Fatal(err)
		}
		p := start(t, dir, steps)
		if err := p.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, &p.Errs)
		}
		runs[steps] = dir
	}
	return runs[steps]
}

var runs = map[int64]string{}

// shared is a folder that lasts as long as the promises of one test.
func shared(t *testing.T) string {
	t.Helper()
	if sharedDir == "" {
		dir, err := os.MkdirTemp("", "reliability-")
		if err != nil {
			t.Fatal(err)
		}
		sharedDir = dir
	}
	return sharedDir
}

var sharedDir string

// forget removes what the promises of a test shared.
func forget() {
	os.RemoveAll(sharedDir)
	sharedDir, runs = "", map[int64]string{}
}

// equal compares two runs after a step: every bit of the state, and which steps
// have a row.
func equal(t *testing.T, a, b string, step int64) {
	t.Helper()
	one, err := bits(a, step)
	if err != nil {
		failf(t, "%v", err)
		return
	}
	two, err := bits(b, step)
	if err != nil {
		failf(t, "%v", err)
		return
	}
	for name, was := range one {
		if !bytes.Equal(was, two[name]) {
			failf(t, "step %d: %s differs", step, name)
			return
		}
	}
	if rows, err := trainer.ReadMetrics(rundir.Dir(b).Metrics()); err != nil || int64(len(rows)) != step {
		failf(t, "%d rows of metrics.csv, %v, want %d", len(rows), err, step)
	}
}

// bits are all that a checkpoint keeps.
func bits(dir string, step int64) (map[string][]byte, error) {
	c, err := checkpoint.OpenStore(rundir.Dir(dir).Checkpoints()).Open(step)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	all := map[string][]byte{}
	for _, group := range c.Groups() {
		tensors, err := c.Tensors(group)
		if err != nil {
			return nil, err
		}
		for _, n := range tensors {
			var b bytes.Buffer
			if _, err := n.Tensor.WriteContentsTo(&b); err != nil {
				return nil, err
			}
			all[group+" "+n.Name] = b.Bytes()
		}
	}
	if len(all) < 100 {
		return nil, fmt.Errorf("%s has %d tensors", c.Dir, len(all))
	}
	return all, nil
}

// waitForRows waits until a run has logged so many steps, or has ended.
func waitForRows(dir string, rows int, ended <-chan error) bool {
	for deadline := time.Now().Add(4 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			return false
		default:
		}
		if got, err := trainer.ReadMetrics(rundir.Dir(dir).Metrics()); err == nil && len(got) >= rows {
			return true
		}
	}
	return false
}

// copyOf copies a run.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "run")
	if out, err := exec.Command("cp", "-a", dir, to).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return to
}

// quiet trains in this process.
var quiet io.Writer = io.Discard

// firstLine shortens an error for a report.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
