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
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
}

// refuses reports whether the variant draws what can be wrong.
func (x exchange) refuses() bool {
	return x.Variant != string(model.MonkeyNet) && x.Variant != string(model.X2Face)
}

// taken are the numbers of one attempt.
type taken struct {
	Refused                  bool
	Losses                   []float64
	Gradients, Before, After map[string][]float64
}

// refusedAttempt is the attempt in which one number of the first sample is none.
const refusedAttempt = 1

// TestWorkersTakeTheStepsOfOne compares steps of two and of four processes,
// which share a batch of four pairs, with those of one: losses, gradients and
// running averages, each from the state that one process had. Where a single
// worker's numbers are not finite all refuse the step, and go on.
func TestWorkersTakeTheStepsOfOne(t *testing.T) {
	if dir := os.Getenv(replicaFolder); dir != "" {
		actAsWorker(t, dir)
		return
	}
	for _, x := range []exchange{
		{string(model.PriorityCut), true, 3, 0}, {string(model.PriorityCut), false, 3, 0}, {string(model.PriorityCut), true, 3, 2},
		{string(model.CutMix), true, 3, 0}, {string(model.FOMMAdv), true, 3, 0}, {string(model.MonkeyNet), true, 3, 0}, {string(model.X2Face), true, 3, 0},
		{string(model.CutMix), false, 3, 0}, {string(model.FOMMAdv), false, 3, 2}, {string(model.MonkeyNet), false, 3, 2}, {string(model.X2Face), false, 3, 2},
	} {
		t.Run(fmt.Sprintf("%s, double %t, %d micro-batches", x.Variant, x.Double, x.Parts), func(t *testing.T) {
			workers := []int{2}
			if long {
				x.Steps, workers = 20, []int{2, 4}
			} else if x.Variant != string(model.PriorityCut) {
				t.Skip("only the long mode tries this")
			}
			dir := t.TempDir()
			write(t, dir, "exchange", x)
			takeSteps(t, dir, x, graph.Replicas{}, tf.SessionConfig{Device: "cpu"})
			for _, n := range workers {
				startWorkers(t, dir, n)
				compareWorkers(t, dir, x, n)
			}
		})
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
	takeSteps(t, dir, x, graph.Replicas{Size: cluster.Size(), Rank: cluster.Rank, Timeout: time.Minute}, c)
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

// takeSteps makes attempts and writes what came of them: one process from where
// it is, a worker from where the one process was.
func takeSteps(t *testing.T, dir string, x exchange, replicas graph.Replicas, sessions tf.SessionConfig) {
	c := smallOf(t, model.Variant(x.Variant), fmt.Sprintf("batch_size=%d", 4*max(x.Parts, 1)), fmt.Sprintf("accumulate_steps=%d", x.Parts))
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
	session, err := tf.NewSession(s.Graph(), sessions)
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
		if replicas.Size > 0 {
			var was taken
			read(t, dir, nameOf(graph.Replicas{}, attempt), &was)
			assignAll(t, session, s, was.Before)
		} else {
			one.Before = fetchAll(t, session, s)
		}
		all, err := step.AllFeeds(o, next(attempt))
		if err != nil {
			t.Fatal(err)
		}
		fetches := append([]tensorflow.Output{step.Losses}, step.Gradients...)
		if replicas.Size > 0 {
			fetches = append(fetches, step.Verdict)
		}
		fetched, err := step.Take(context.Background(), session, all, fetches)
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
		write(t, dir, nameOf(replicas, attempt), one)
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
		draws := Draw(1, attempt, o)
		if theta, ok := draws["theta"].([]float64); ok && attempt == refusedAttempt {
			theta[0] = math.NaN() // of the first sample: other families draw nothing that could be wrong
		}
		return StepValues{Batch: batch, Draws: draws, Rates: c.LearningRates(0, 0), Warmup: 1}
	}
}

func nameOf(r graph.Replicas, attempt int64) string {
	return fmt.Sprintf("attempt %d of %d in %d", attempt, r.Rank, r.Size)
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

// compareWorkers compares each worker's attempts with those of one process.
func compareWorkers(t *testing.T, dir string, x exchange, n int) {
	t.Helper()
	tolerance := 1e-10
	if !x.Double {
		tolerance = 1e-5
	}
	refused := 0
	for attempt := range x.Steps {
		var want taken
		read(t, dir, nameOf(graph.Replicas{}, attempt), &want)
		for rank := range n {
			var got taken
			read(t, dir, nameOf(graph.Replicas{Size: n, Rank: rank}, attempt), &got)
			what := fmt.Sprintf("worker %d of %d, attempt %d", rank, n, attempt)
			if got.Refused != want.Refused {
				t.Fatalf("%s: refused %t, by one %t", what, got.Refused, want.Refused)
			}
			if want.Refused {
				refused++
				if diff := cmp.Diff(want.Before, got.After); diff != "" {
					t.Errorf("%s: a refused step moves %s", what, diff)
				}
				continue
			}
			largest := 0.0
			for _, g := range want.Gradients {
				largest = max(largest, largestOf(g))
			}
			compare(t, what+": losses", got.Losses, want.Losses, tolerance, 0)
			for name, g := range want.Gradients {
				least := 0.0
				if zeroByConstruction.MatchString(name) {
					least = largest
				}
				compare(t, what+": gradient of "+name, got.Gradients[name], g, tolerance, least)
			}
			for name, v := range want.After {
				if strings.Contains(name, ".running_") || strings.HasSuffix(name, ".weight_u") {
					compare(t, what+": "+name, got.After[name], v, tolerance, 0)
				}
			}
		}
	}
	if x.refuses() && refused != n {
		t.Errorf("%d attempts refused by %d workers", refused, n)
	}
}

// zeroByConstruction are gradients that are sums of what cancels out: biases in
// front of a norm or of a softmax over all places, and those of jacobians, of
// which only the ratio counts. Rounding is all there is of them.
var zeroByConstruction = regexp.MustCompile(`conv[0-9]*\.bias$|^kp_detector\.(kp|jacobian)\.bias$`)

func largestOf(values []float64) float64 {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, v, -v)
	}
	return largest
}

func compare(t *testing.T, what string, got, want []float64, tolerance, least float64) {
	t.Helper()
	if len(got) != len(want) || len(got) == 0 {
		t.Errorf("%s: %d numbers, not %d", what, len(got), len(want))
		return
	}
	scale := max(largestOf(want), least)
	for i := range want {
		if d := math.Abs(got[i] - want[i]); !(d <= tolerance*scale) {
			t.Errorf("%s: number %d is %g, not %g: %.2g of the largest apart", what, i, got[i], want[i], d/scale)
			return
		}
	}
}
