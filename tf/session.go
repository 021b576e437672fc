package tf

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"

	tensorflow "github.com/wamuir/graft/tensorflow"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// SessionConfig says how a session runs a graph. The zero value runs on a GPU
// where TensorFlow has one, else on all cores.
type SessionConfig struct {
	// Device is "auto" or "" (a GPU where there is one), "cpu" (GPUs are not
	// touched), "gpu" (an error without one) or "gpu:N" (the GPU of that number,
	// as nvidia-smi counts those that CUDA_VISIBLE_DEVICES leaves). Sessions of one
	// process may have different ones.
	Device string
	// IntraThreads compute one op together, 0 for one per core. The pool is
	// the process's: a session that asks for another number than the first
	// one is refused.
	IntraThreads int
	// InterThreads run independent ops side by side, 0 for one per core.
	InterThreads int
	// Deterministic makes every op give the same bits each time it runs on the
	// same inputs, kind of machine and numbers of threads, or fail when it
	// cannot. It holds for the whole process and stays on. Other numbers of
	// threads may sum in another order and give other bits.
	Deterministic bool
	// FullFloat32 forbids GPUs to round the factors of float32 convolutions and
	// products to TensorFloat-32's 10 bits, as they do by default where they can.
	// It holds for the whole process and stays on.
	FullFloat32 bool
	// MixedPrecision lets Grappler lower the precision of convolutions and products.
	// A session that cannot is refused.
	MixedPrecision MixedPrecision
	// Optimize lets Grappler rewrite the graph at the first run. Worth it for
	// a frozen graph that runs often. Off by default: on a training step its
	// rewrites take many seconds at the start and gain little.
	Optimize bool
	// TrustSavedModel lets savedmodel.Open load models that hold operations which
	// do more than compute: read and write files, start Python, end the process.
	// Such a model is a program; without this it is refused.
	TrustSavedModel bool
	// UseKernels lets savedmodel.Open compute a model's convolutions by kernels of
	// our own where OwnKernels says so. Not those of a model that is trusted, which
	// TensorFlow loads as it is.
	UseKernels bool
	// MemoryGrowth takes GPU memory as it is needed instead of nearly all of
	// it at the start.
	MemoryGrowth bool
	// Server is this process's server in a cluster; nil for a process by itself.
	// A session through it sees this process's devices alone, and its collective
	// operations meet those of the other workers.
	Server *Server

	// cpus is the number of devices that the processor is to show as; 0 is one.
	cpus int
}

// maxThreads bounds thread counts, above any machine TensorFlow runs on.
const maxThreads = 4096

// Validate reports the first field that has no meaning.
func (c SessionConfig) Validate() error {
	if _, err := parseDevice(c.Device); err != nil {
		return err
	}
	if err := c.MixedPrecision.Validate(); err != nil {
		return fmt.Errorf("session config: %w", err)
	}
	if err := validThreads("IntraThreads", c.IntraThreads); err != nil {
		return err
	}
	return validThreads("InterThreads", c.InterThreads)
}

func validThreads(name string, n int) error {
	if n < 0 || n > maxThreads {
		return fmt.Errorf("session config: %s is %d, want 0 (all cores) to %d", name, n, maxThreads)
	}
	return nil
}

// Proto returns the configuration as a serialized ConfigProto.
func (c SessionConfig) Proto() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	d, err := parseDevice(c.Device)
	if err != nil {
		return nil, err
	}
	p := &pb.ConfigProto{
		IntraOpParallelismThreads: int32(c.IntraThreads),
		InterOpParallelismThreads: int32(c.InterThreads),
		// Without it the first session's inter-op pool serves all others. Sessions
		// through a server refuse it and share the server's.
		UsePerSessionThreads: c.InterThreads > 0 && c.Server == nil,
		// An op without a GPU kernel runs on the CPU.
		AllowSoftPlacement: true,
		GpuOptions:         &pb.GPUOptions{AllowGrowth: c.MemoryGrowth},
	}
	p.DeviceCount = map[string]int32{}
	if !d.gpu {
		p.DeviceCount[gpuType] = 0
	}
	if c.cpus > 1 && !d.required {
		p.DeviceCount[cpuType] = int32(c.cpus)
	}
	if !c.Optimize || c.MixedPrecision != NoMixedPrecision {
		p.GraphOptions = &pb.GraphOptions{RewriteOptions: c.rewrites()}
	}
	if c.Server != nil {
		p.DeviceFilters = []string{deviceOf(c.Server.Cluster.Rank)}
		p.IsolateSessionState = true
		p.Experimental = groupLeader()
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(p)
}

// target is where TensorFlow runs a session; empty for this process by itself.
func (c SessionConfig) target() string {
	if c.Server == nil {
		return ""
	}
	return c.Server.target
}

// Session runs a graph, or several side by side. Its methods may be called from
// several goroutines.
type Session struct {
	session  *tensorflow.Session
	devices  []tensorflow.Device
	wantsGPU bool       // auto, gpu or gpu:N
	own      []string   // the devices of its graphs, as GPU:1; none where TensorFlow chooses
	placed   *placement // on them
}

// NewSession makes a session for graph. It is an error when the configuration
// asks for what this machine, this TensorFlow or this process cannot give any
// more. The caller closes the session.
func NewSession(graph *tensorflow.Graph, config SessionConfig) (*Session, error) {
	return openSession(config, graph)
}

// MaxReplicas bounds the graphs of a session.
const MaxReplicas = 64

// NewReplicatedSession makes one session for several graphs, whose operations have
// different names, each on a device of its own: GPUs 0, 1 and so on where there are
// GPUs that the configuration's device allows, else CPU devices, of which TensorFlow
// makes as many out of the processor. Run takes feeds, fetches and targets of all
// graphs; their collective operations meet within the session. Of one graph it is
// NewSession.
func NewReplicatedSession(graphs []*tensorflow.Graph, config SessionConfig) (*Session, error) {
	n := len(graphs)
	if n < 1 || n > MaxReplicas {
		return nil, fmt.Errorf("making a session: %d graphs, want 1 to %d", n, MaxReplicas)
	}
	d, err := parseDevice(config.Device)
	switch {
	case err != nil:
		return nil, err
	case n > 1 && config.Server != nil:
		return nil, errors.New("making a session: a worker of a cluster has one graph, on one device")
	case n > 1 && d.number >= 0:
		return nil, fmt.Errorf("device %q is one GPU for %d replicas: device gpu gives each its own", config.Device, n)
	}
	config.cpus = n
	return openSession(config, graphs...)
}

func openSession(config SessionConfig, graphs ...*tensorflow.Graph) (*Session, error) {
	if slices.Contains(graphs, nil) {
		return nil, errors.New("making a session: the graph is nil")
	}
	options, err := config.Proto()
	if err != nil {
		return nil, err
	}
	if err := prepareProcess(config); err != nil {
		return nil, err
	}
	s, graph := &Session{}, graphs[0]
	if d, err := parseDevice(config.Device); err == nil && (d.number >= 0 || len(graphs) > 1) {
		s.placed = newPlacement(graphs...)
		graph = s.placed.copied
	}
	const doing = "making a session"
	err = guard(doing, func() error {
		var err error
		if s.session, err = tensorflow.NewSession(graph, &tensorflow.SessionOptions{Config: options, Target: config.target()}); err != nil {
			return wrap(doing, err)
		}
		s.devices, err = s.session.ListDevices()
		return wrap("listing the devices", err)
	})
	if err == nil {
		err = s.checkDevice(config.Device, len(graphs))
	}
	if err == nil {
		err = s.checkMixed(config.MixedPrecision)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// intra remembers the size of the process's intra-op pool, 0 before there is
// one.
var intra struct {
	sync.Mutex
	threads int
}

// prepareProcess does what must come before TensorFlow's first session.
func prepareProcess(config SessionConfig) error {
	if config.Deterministic {
		if err := requireDeterminism(); err != nil {
			return err
		}
	}
	if config.FullFloat32 {
		if err := forbidTF32(); err != nil {
			return err
		}
	}
	if config.MixedPrecision != NoMixedPrecision {
		if err := keepWhole(); err != nil {
			return err
		}
	}
	if err := claimIntraThreads(config.IntraThreads); err != nil {
		return err
	}
	// On the CPU: a GPU is set up by the session that will use it.
	config.Device, config.Server, config.MixedPrecision, config.cpus = "cpu", nil, NoMixedPrecision, 0
	options, err := config.Proto()
	if err != nil {
		return err
	}
	quietFirstRun(options)
	return nil
}

// claimIntraThreads refuses a number of threads that the existing pool has
// not. 0 accepts any pool.
func claimIntraThreads(n int) error {
	intra.Lock()
	defer intra.Unlock()
	if intra.threads == 0 {
		intra.threads = n
		if n == 0 {
			intra.threads = runtime.NumCPU()
		}
		return nil
	}
	if n != 0 && n != intra.threads {
		return fmt.Errorf("session config: IntraThreads is %d, but this process's first session made the pool with %d; "+
			"TensorFlow keeps it for all sessions, so start another process", n, intra.threads)
	}
	return nil
}

// requireDeterminism switches op determinism on, process-wide, and asks
// TensorFlow whether it took.
func requireDeterminism() error {
	if err := os.Setenv("TF_DETERMINISTIC_OPS", "1"); err != nil {
		return err
	}
	// The variable is read only once, maybe long ago; the call always counts.
	enableDeterminism()
	if on, known := determinism(); known && !on {
		return fmt.Errorf("TensorFlow %s cannot be made deterministic any more in this process: set TF_DETERMINISTIC_OPS=1 before it starts", tensorflow.Version())
	}
	return nil
}

// forbidTF32 switches TensorFloat-32 off, process-wide.
func forbidTF32() error {
	disableTF32()
	if on, known := tf32(); !known || on {
		return fmt.Errorf("TensorFlow %s does not let TensorFloat-32 be switched off: set NVIDIA_TF32_OVERRIDE=0 before the program starts, and run_params.tf32 to true", tensorflow.Version())
	}
	return nil
}

// Run feeds tensors, evaluates fetches and runs targets, as one step. The
// tensors come in the order of fetches. An error of TensorFlow is an *Error:
// see Code.
func (s *Session) Run(feeds map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error) {
	if err := checkRun(feeds, fetches, targets); err != nil {
		return nil, err
	}
	const doing = "running the graph"
	var results []*tensorflow.Tensor
	err := guard(doing, func() error {
		var err error
		if s.placed != nil {
			results, err = s.placed.run(s.session, feeds, fetches, targets)
		} else {
			results, err = s.session.Run(feeds, fetches, targets)
		}
		return wrap(doing, err)
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// checkRun refuses what would crash in C.
func checkRun(feeds map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) error {
	for o, t := range feeds {
		if err := checkOutput("a feed", o); err != nil {
			return err
		}
		if t == nil {
			return fmt.Errorf("running the graph: the tensor fed to %s is nil", o.Op.Name())
		}
	}
	for i, o := range fetches {
		if err := checkOutput("fetch "+strconv.Itoa(i), o); err != nil {
			return err
		}
	}
	for i, t := range targets {
		if t == nil {
			return fmt.Errorf("running the graph: target %d is nil", i)
		}
	}
	return nil
}

func checkOutput(what string, o tensorflow.Output) error {
	if o.Op == nil {
		return fmt.Errorf("running the graph: %s has no op", what)
	}
	if n := o.Op.NumOutputs(); o.Index < 0 || o.Index >= n || o.Index > math.MaxInt32 {
		return fmt.Errorf("running the graph: %s is output %d of %s, which has %d", what, o.Index, o.Op.Name(), n)
	}
	return nil
}

// Close waits for runs in flight and frees the session. Closing twice is fine.
func (s *Session) Close() error {
	if s == nil || s.session == nil {
		return nil
	}
	const doing = "closing the session"
	return guard(doing, func() error { return wrap(doing, s.session.Close()) })
}
