package train

import (
	"context"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// replicaFolder makes this test's process one worker of a cluster: it names the
// folder of the exchange.
const replicaFolder = "PRIORITYCUT_TEST_REPLICA"

// long is as in tests/reliability.
var long = os.Getenv("PRIORITYCUT_RELIABILITY") == "long"

// exchange is what processes of the test tell each other about.
type exchange struct {
	Variant string
	Double  bool
	Steps   int64
	// Parts is the number of micro-batches of a step, 0 for none.
	Parts int
	// HalfWire sends gradients as bfloat16.
	HalfWire bool
	// Wide networks have channels enough for Winograd's algorithm.
	Wide bool
	// Free lets workers go on from their own states instead of those of one process.
	Free bool
}

func (x exchange) String() string {
	text := fmt.Sprintf("%s, float32", x.Variant)
	if x.Double {
		text = fmt.Sprintf("%s, float64", x.Variant)
	}
	if x.Wide {
		text += ", wide"
	}
	if x.Parts > 0 {
		text += fmt.Sprintf(", %d micro-batches", x.Parts)
	}
	if x.HalfWire {
		text += ", bfloat16 on the wire"
	}
	if x.Free {
		text += ", free-running"
	}
	return text
}

// fileOf is the file of an attempt.
func fileOf(r graph.Replicas, attempt int64) string {
	return fmt.Sprintf("attempt %d of %d in %d", attempt, r.Rank, r.Size)
}

// taken are the numbers of one attempt.
type taken struct {
	Refused                  bool
	Losses                   []float64
	Gradients, Before, After map[string][]float64
}

// refusedAttempt is the attempt in which one number of the first sample is none.
const refusedAttempt = 1

// everyday are compared in usual tests.
var everyday = []exchange{
	{Variant: string(model.PriorityCut), Double: true},
	{Variant: string(model.PriorityCut)},
	{Variant: string(model.PriorityCut), Double: true, Parts: 2},
	{Variant: string(model.PriorityCut), HalfWire: true},
}

// all are compared where there is time.
func all() []exchange {
	list := everyday
	for _, v := range []model.Variant{model.FOMM, model.FOMMAdv, model.UNet, model.CutMix, model.MonkeyNet, model.X2Face} {
		list = append(list, exchange{Variant: string(v), Double: true}, exchange{Variant: string(v)})
	}
	return append(list,
		exchange{Variant: string(model.PriorityCut), Wide: true},
		exchange{Variant: string(model.FOMMAdv), Parts: 2}, exchange{Variant: string(model.X2Face), Parts: 2},
		exchange{Variant: string(model.PriorityCut), Double: true, Free: true}, exchange{Variant: string(model.PriorityCut), Free: true})
}

// TestWorkersTakeTheStepsOfOne compares steps of two and of four processes,
// which share a batch of four pairs, with those of one: losses, gradients and
// running averages, each from the state that one process had. Where a single
// worker's numbers are not finite all refuse the step, and go on. All workers have
// the same bits.
func TestWorkersTakeTheStepsOfOne(t *testing.T) {
	if dir := os.Getenv(replicaFolder); dir != "" {
		actAsWorker(t, dir)
		return
	}
	list, workers, steps := everyday, []int{2}, int64(3)
	if long {
		list, workers, steps = all(), []int{2, 4}, 20
	}
	var table []string
	for _, x := range list {
		t.Run(x.String(), func(t *testing.T) {
			x.Steps = steps
			dir := t.TempDir()
			write(t, dir, "exchange", x)
			takeSteps(t, dir, x, graph.Replicas{}, tf.SessionConfig{Device: "cpu"})
			for _, n := range workers {
				startWorkers(t, dir, n)
				c := &comparison{T: t, x: x, dir: dir, n: n}
				c.run()
				t.Log(c.row())
				table = append(table, c.row())
			}
		})
	}
	if long {
		fmt.Println(tableHead + strings.Join(table, ""))
	}
}

func actAsWorker(t *testing.T, dir string) {
	cluster, err := tf.ClusterOfEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	c := tf.SessionConfig{Device: "cpu", IntraThreads: 1}
	if c.Server, err = tf.StartServer(*cluster, c); err != nil {
		t.Fatal(err)
	}
	if err := c.Server.Await(context.Background()); err != nil {
		t.Fatal(err)
	}
	var x exchange
	read(t, dir, "exchange", &x)
	takeSteps(t, dir, x, graph.Replicas{Size: cluster.Size(), Rank: cluster.Rank, Timeout: time.Minute, HalfWire: x.HalfWire}, c)
}

// freeAddresses are such as nobody listens at.
func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	var list []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		list = append(list, l.Addr().String())
	}
	return list
}

func startWorkers(t *testing.T, dir string, n int) {
	t.Helper()
	list, err := json.Marshal(freeAddresses(t, n))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, n)
	for rank := range n {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWorkersTakeTheStepsOfOne$")
		cmd.Env = append(os.Environ(), replicaFolder+"="+dir,
			fmt.Sprintf(`TF_CONFIG={"cluster": {"worker": %s}, "task": {"type": "worker", "index": %d}}`, list, rank))
		go func() {
			said, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("worker %d of %d: %w\n%s", rank, n, err, said)
			}
			ended <- err
		}()
	}
	for range n {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// config is a small one whose batch, or each micro-batch, is of four pairs.
func (x exchange) config(t *testing.T) *config.Config {
	t.Helper()
	sets := []string{fmt.Sprintf("batch_size=%d", 4*max(x.Parts, 1)), fmt.Sprintf("accumulate_steps=%d", x.Parts)}
	if x.Wide {
		sets = append(sets, "kp_detector_params.block_expansion=32", "kp_detector_params.max_features=96",
			"generator_params.block_expansion=32", "generator_params.max_features=96",
			"dense_motion_params.block_expansion=32", "dense_motion_params.max_features=96", "discriminator_params.block_expansion=32",
			"train_params.scales=[1, 0.5]")
	}
	return smallOf(t, model.Variant(x.Variant), sets...)
}

// takeSteps makes attempts and writes what came of them: one process from where
// it is, a worker, or devices of one session, from where the one process was.
func takeSteps(t *testing.T, dir string, x exchange, replicas graph.Replicas, sessions tf.SessionConfig) {
	c := x.config(t)
	o := OptionsOf(c)
	o.Replicas = replicas
	dtype := tensorflow.Float
	if x.Double {
		dtype = tensorflow.Double
	}
	if err := tf.LoadOps(); err != nil {
		t.Fatal(err)
	}
	s := graph.New(dtype)
	step, err := BuildStep(s, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := step.BuildMirrors(s, o); err != nil {
		t.Fatal(err)
	}
	shared, err := step.share(s, true)
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewReplicatedSession(step.Graphs(s), sessions)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := graph.Initialize(session, s.Variables(), 3); err != nil {
		t.Fatal(err)
	}
	next := attempts(t, c, o)
	for attempt := range x.Steps {
		one := taken{Gradients: map[string][]float64{}}
		switch {
		case replicas.Size == 0:
			one.Before = fetchAll(t, session, s)
		case attempt == 0 || !x.Free:
			var was taken
			read(t, dir, fileOf(graph.Replicas{}, attempt), &was)
			assignAll(t, session, s, was.Before)
			if replicas.InSession {
				runAll(t, step.Over(session), shared)
			}
		}
		all, err := step.AllFeeds(o, next(attempt))
		if err != nil {
			t.Fatal(err)
		}
		if attempt == refusedAttempt && replicas.Rank == 0 {
			spoil(t, step, o, all[0])
		}
		fetches := append([]tensorflow.Output{step.Losses}, step.Gradients...)
		if replicas.Size > 0 {
			fetches = append(fetches, step.Verdict)
		}
		fetched, err := step.Take(context.Background(), step.Over(session), all, fetches)
		if one.Refused = err != nil && isRefusal(err); err != nil && !one.Refused {
			t.Fatal(err)
		}
		if replicas.Size > 0 {
			found, err := floats(fetched[len(fetched)-1])
			if err != nil {
				t.Fatal(err)
			}
			one.Refused, fetched = found[numSignals] == float64(replicas.Size), fetched[:len(fetched)-1]
		}
		for i, f := range fetched {
			numbers, err := floats(f)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				one.Losses = numbers
			} else {
				one.Gradients[step.GradientNames[i-1]] = numbers
			}
		}
		one.After = fetchAll(t, session, s)
		write(t, dir, fileOf(replicas, attempt), one)
		for i, m := range step.Mirrors {
			one.After, replicas.Rank = fetchAll(t, session, m.Scope), i+1
			write(t, dir, fileOf(replicas, attempt), one)
		}
		replicas.Rank = o.Replicas.Rank
	}
}

// attempts makes the numbers of attempts, of drawn figures: a worker reads its
// part alone.
func attempts(t *testing.T, c *config.Config, o StepOptions) func(int64) StepValues {
	t.Helper()
	data, err := named.Open(context.Background(), c.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	loader, err := data.Loader(loaderOf(c, o.Replicas))
	if err != nil {
		t.Fatal(err)
	}
	batches := loader.Prefetch(context.Background(), 0)
	t.Cleanup(func() { batches.Close() })
	return func(attempt int64) StepValues {
		batch, err := batches.Next()
		if err != nil {
			t.Fatal(err)
		}
		return StepValues{Batch: batch, Draws: Draw(1, attempt, o), Rates: c.LearningRates(0, 0), Warmup: 1}
	}
}

// spoil makes one number of the first driving picture none.
func spoil(t *testing.T, step *Step, o StepOptions, f feeds) {
	t.Helper()
	values := make([]float64, o.own()*o.Height*o.Width*3)
	values[0] = math.NaN()
	tensor, err := graph.NewTensor(step.Driving.DataType(), values, int64(o.own()), int64(o.Height), int64(o.Width), 3)
	if err != nil {
		t.Fatal(err)
	}
	delete(f, step.DrivingBytes)
	f[step.Driving] = tensor
}

func write(t *testing.T, dir, name string, value any) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := gob.NewEncoder(f).Encode(value); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir, name string, value any) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := gob.NewDecoder(f).Decode(value); err != nil && err != io.EOF {
		t.Fatal(err)
	}
}

// fetchAll are all variables of floating-point numbers, but for what belongs to one
// step.
func fetchAll(t *testing.T, session *tf.Session, s *graph.Scope) map[string][]float64 {
	t.Helper()
	values, err := graph.Fetch(session, s.Variables(graph.Trainable, graph.State, graph.Slot, graph.Frozen))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]float64{}
	for v, tensor := range values {
		if v.DType == tensorflow.Int64 {
			continue
		}
		if all[v.Name], err = floats(tensor); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func assignAll(t *testing.T, session *tf.Session, s *graph.Scope, all map[string][]float64) {
	t.Helper()
	values := map[*graph.Variable]*tensorflow.Tensor{}
	for name, numbers := range all {
		v := s.VariableNamed(name)
		tensor, err := graph.NewTensor(v.DType, numbers, v.Dims...)
		if err != nil {
			t.Fatal(err)
		}
		values[v] = tensor
	}
	if err := graph.Assign(session, values); err != nil {
		t.Fatal(err)
	}
}

func runAll(t *testing.T, run graph.Runner, targets ...*tensorflow.Operation) {
	t.Helper()
	if _, err := run.Run(nil, nil, targets); err != nil {
		t.Fatal(err)
	}
}
