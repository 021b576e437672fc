package train

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
)

// crew are the workers of a run, seen from this one. What they tell each other
// beside the steps goes through reductions of a small graph of its own, which
// wait as long as the others are there.
type crew struct {
	cluster  tf.Cluster
	replicas graph.Replicas
	sessions tf.SessionConfig
	session  *tf.Session

	row, rows, text, sum tensorflow.Output
	// seen is kept up to date until unseen is called.
	seen   sightings
	unseen context.CancelFunc
	// stopped says that all have heard of a worker that was asked to stop.
	stopped bool
	// patience ends the first exchange; nil waits as long as all listen.
	patience <-chan time.Time
	// lost is why the others are waited for no longer; nil while they are there.
	lost *LostError
}

// LostError says which workers of a run are missing.
type LostError struct {
	// Missing are their ranks; empty where all answer but are too late.
	Missing []int
	text    string
	cause   error
}

// Error implements error.
func (e *LostError) Error() string { return e.text }

// Unwrap returns what TensorFlow said, if anything.
func (e *LostError) Unwrap() error { return e.cause }

// ProgramExit is the exit code of a program that lost other workers: starting all
// of them again goes on.
func (e *LostError) ProgramExit() int { return ExitLost }

// ExitLost is the exit code of a worker that misses others.
const ExitLost = 3

// crewGroup sets the reductions beside the steps apart from those of the step.
const crewGroup = 1

const (
	defaultWorkerTimeout = 300 * time.Second
	// watchPause lies between two looks at the others while they are waited for.
	watchPause = time.Second
	// dialTimeout is how long a machine may take to answer at all.
	dialTimeout = 3 * time.Second
	// linger is how long a worker that ends stays for the others: to see which one
	// is missing, or to receive the last of what all compute together.
	linger = 2 * time.Second
	// dying is how long a worker whose connections are closed may be found listening:
	// a process that is killed closes one socket after the other.
	dying = 3 * time.Second
	// watched is how many others are looked at each time.
	watched = 16
)

func workerTimeout(r config.RunParams) time.Duration {
	if r.WorkerTimeout == 0 {
		return defaultWorkerTimeout
	}
	return time.Duration(r.WorkerTimeout) * time.Second
}

func replicasOf(r config.RunParams, cluster tf.Cluster) graph.Replicas {
	return graph.Replicas{
		Size: cluster.Size(), Rank: cluster.Rank, Timeout: workerTimeout(r), HalfWire: r.GradientWire == config.WireBFloat16,
	}
}

// join starts this worker's server and waits for those of the others.
func join(ctx context.Context, cluster tf.Cluster, c *config.Config) (*crew, error) {
	w := &crew{cluster: cluster, sessions: sessionConfigOf(c.Run), replicas: replicasOf(c.Run, cluster)}
	var err error
	if w.sessions.Server, err = tf.StartServer(cluster, w.sessions); err != nil {
		return nil, err
	}
	var life context.Context
	life, w.unseen = context.WithCancel(context.Background())
	go w.look(life, func() bool { return true })
	if err := w.await(ctx); err != nil {
		w.unseen()
		return nil, err
	}
	return w, w.greet()
}

// greet waits until all others answer: at an address may listen another program,
// or a worker that is told of other addresses.
func (w *crew) greet() error {
	w.patience = time.After(w.replicas.Timeout)
	_, err := w.gather(nil)
	w.patience = nil
	if err != nil {
		w.leave()
	}
	return err
}

// await waits for the others and prepares what is told beside the steps.
func (w *crew) await(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, w.replicas.Timeout)
	defer cancel()
	if err := w.sessions.Server.Await(within); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		missing := w.missing()
		return w.lose(missing, fmt.Errorf("%w (worker_timeout)", err))
	}
	return w.build()
}

// build makes the graph of what is told beside the steps.
func (w *crew) build() error {
	if err := tf.LoadOps(); err != nil {
		return err
	}
	s := graph.New(tensorflow.Float)
	r := w.replicas
	r.Timeout, r.Group = 0, crewGroup
	s.SetReplicas(r)
	w.row, w.text = s.Placeholder("row", tensorflow.Int64, rowSize), s.Placeholder("text", tensorflow.Int64, textSize)
	w.rows, w.sum = s.AllGather(w.row), s.AllReduce(w.text)
	if err := s.Err(); err != nil {
		return err
	}
	var err error
	w.session, err = tf.NewSession(s.Graph(), w.sessions)
	return err
}

func (w *crew) chief() bool { return w.cluster.Chief() }

// What is told has always the same size: TensorFlow keeps to that of the first
// time.
const (
	rowSize  = 160
	textSize = 8192
)

// gather returns each worker's values, by rank, rowSize at most.
func (w *crew) gather(values []int64) ([][]int64, error) {
	all, err := w.exchange(w.row, values, rowSize, w.rows)
	if err != nil {
		return nil, err
	}
	rows := make([][]int64, w.cluster.Size())
	for i := range rows {
		rows[i] = all[i*rowSize:][:len(values)]
	}
	return rows, nil
}

// fromChief returns the chief's text.
func (w *crew) fromChief(text []byte) ([]byte, error) {
	if !w.chief() {
		text = nil
	}
	var told []byte
	for length := int64(1); int64(len(told)) < length; {
		values := []int64{int64(len(text))}
		part := text[min(len(told), len(text)):]
		for _, b := range part[:min(len(part), textSize-1)] {
			values = append(values, int64(b))
		}
		if !w.chief() {
			values = nil
		}
		sum, err := w.exchange(w.text, values, textSize, w.sum)
		if err != nil {
			return nil, err
		}
		const most = 1 << 24
		if length = sum[0]; length < 1 || length > most {
			return nil, fmt.Errorf("the chief tells %d bytes: is it of another build?", length)
		}
		for _, b := range sum[1:][:min(textSize-1, length-int64(len(told)))] {
			told = append(told, byte(b))
		}
	}
	return told, nil
}

func (w *crew) exchange(to tensorflow.Output, values []int64, size int, result tensorflow.Output) ([]int64, error) {
	if len(values) > size {
		return nil, fmt.Errorf("%d values are told at once, %d at most", len(values), size)
	}
	t, err := tf.NewTensor(append(values, make([]int64, size-len(values))...), int64(size))
	if err != nil {
		return nil, err
	}
	out, err := w.over(w.session).Run(feeds{to: t}, []tensorflow.Output{result}, nil)
	if err != nil {
		return nil, err
	}
	return tf.Values[int64](out[0])
}

// agree tells the others whether this worker can go on. The error is its own, or
// says who cannot.
func (w *crew) agree(own error) error {
	value := int64(0)
	if own != nil {
		value = 1
	}
	rows, err := w.gather([]int64{value})
	if own != nil || err != nil {
		return errors.Join(own, err)
	}
	var ranks []int
	for rank, row := range rows {
		if row[0] != 0 {
			ranks = append(ranks, rank)
		}
	}
	if len(ranks) > 0 {
		return fmt.Errorf("%s cannot begin: its own message says why", w.names(ranks))
	}
	return nil
}

// names are workers by rank and address.
func (w *crew) names(ranks []int) string {
	list := make([]string, len(ranks))
	for i, rank := range ranks {
		list[i] = fmt.Sprintf("worker %d (%s)", rank, w.cluster.Workers[rank])
	}
	return strings.Join(list, ", ")
}

// watcher runs what waits for other workers.
type watcher struct {
	crew *crew
	run  graph.Runner
}

func (w *crew) over(run graph.Runner) graph.Runner { return watcher{w, run} }

// Run implements graph.Runner. It is left, with a *LostError, when another worker
// is no longer there.
func (r watcher) Run(f feeds, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error) {
	if r.crew.lost != nil {
		return nil, r.crew.lost
	}
	type outcome struct {
		fetched []*tensorflow.Tensor
		err     error
	}
	done := make(chan outcome, 1)
	go func() {
		fetched, err := r.run.Run(f, fetches, targets)
		done <- outcome{fetched, err}
	}()
	gone := make(chan []int, 1)
	watching, stop := context.WithCancel(context.Background())
	defer stop()
	go r.crew.watch(watching, gone)
	select {
	case o := <-done:
		return o.fetched, r.crew.explain(o.err)
	case missing := <-gone:
		return nil, r.crew.lose(missing, nil)
	case <-r.crew.patience:
		return nil, r.crew.lose(r.crew.missing(), nil)
	}
}

// explain finds what another worker's end has to do with an error.
func (w *crew) explain(err error) error {
	if err == nil {
		return nil
	}
	switch tf.Code(err) {
	case tf.DeadlineExceeded, tf.Unavailable, tf.Aborted, tf.Cancelled, tf.Internal, tf.FailedPrecondition:
	default:
		return err
	}
	missing := w.ended()
	if len(missing) == 0 && tf.Code(err) != tf.DeadlineExceeded {
		return fmt.Errorf("worker %d of %d: %w\ndo all workers run the same build with the same TF_CONFIG, and was none of them started later than the others?",
			w.cluster.Rank, w.cluster.Size(), err)
	}
	return w.lose(missing, err)
}

// lose notes that the others are waited for no longer, and stays a moment for
// them to see who is there.
func (w *crew) lose(missing []int, cause error) error {
	w.lost = &LostError{Missing: missing, cause: cause}
	if len(missing) == 0 {
		w.lost.text = fmt.Sprintf("another worker did not answer within %v (worker_timeout), though all of them listen", w.replicas.Timeout)
		if w.patience != nil {
			w.lost.text = fmt.Sprintf("at all addresses of the workers somebody listens, but not all answered within %v (worker_timeout): "+
				"is one of them another program's, and has every worker the same TF_CONFIG but for its index", w.replicas.Timeout)
		}
	} else {
		w.lost.text = w.names(missing) + " is missing"
		if len(missing) > 1 {
			w.lost.text = w.names(missing) + " are missing"
		}
	}
	if w.patience != nil && len(missing) > 0 {
		w.lost.text += " (has every worker the same TF_CONFIG but for its index?)"
	}
	var unknown *net.DNSError
	if errors.As(cause, &unknown) {
		w.lost.text += fmt.Sprintf(" (%v)", unknown)
	}
	w.lost.text += fmt.Sprintf(": worker %d of %d ends; start all again with the same command to go on from the last checkpoint", w.cluster.Rank, w.cluster.Size())
	time.Sleep(linger)
	return w.lost
}

// leave stays until the others have what they receive from this worker: its end
// would abort their last operation.
func (w *crew) leave() {
	if w.lost == nil { // else it has stayed
		time.Sleep(linger)
	}
	w.unseen()
}
