package train

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
)

// ownSettings are keys in which workers may differ: how each uses its machine.
var ownSettings = map[string]bool{
	"run_params.device": true, "run_params.intra_threads": true, "run_params.inter_threads": true,
	"dataset_params.cache_dir": true, "dataset_params.cache_gb": true, "dataset_params.memory_mb": true,
	"dataset_params.workers": true, "dataset_params.prefetch": true, "vgg19.file": true,
}

// compared is what all workers must have alike, by name, in this order.
type compared struct {
	name string
	sum  [sha256.Size]byte
}

// comparedOf are the things that this worker has.
func comparedOf(text []byte, data string) ([]compared, error) {
	program, err := ownProgram()
	if err != nil {
		return nil, err
	}
	return []compared{
		{"the program", program},
		{"TensorFlow's version", sha256.Sum256([]byte(tensorflow.Version()))},
		{"the configuration", sha256.Sum256(text)},
		{"the list of training videos", sha256.Sum256([]byte(data))},
	}, nil
}

// ownProgram is the sum of the file that runs.
func ownProgram() (sum [sha256.Size]byte, err error) {
	path, err := os.Executable()
	if err != nil {
		return sum, err
	}
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}

// muster compares the workers before anything is written: all must mean the same
// run. A worker that was asked to stop meanwhile stops all.
func (w *crew) muster(ctx context.Context, c *config.Config, data string) error {
	common := *c
	text, err := sharedText(&common)
	if err != nil {
		return err
	}
	chiefs, err := w.fromChief(text)
	if err != nil {
		return err
	}
	own, err := comparedOf(text, data)
	if err = w.agree(err); err != nil {
		return err
	}
	var sums []int64
	for _, one := range own {
		for _, b := range one.sum {
			sums = append(sums, int64(b))
		}
	}
	stop := int64(0)
	if ctx.Err() != nil {
		stop = 1
	}
	rows, err := w.gather(append(sums, stop))
	if err != nil {
		return err
	}
	for _, row := range rows {
		w.stopped = w.stopped || row[len(sums)] != 0
	}
	return w.differences(rows, own, chiefs, c)
}

// sharedText is a configuration without what may differ.
func sharedText(c *config.Config) ([]byte, error) {
	text, err := c.Marshal()
	if err != nil {
		return nil, err
	}
	shared, err := config.Unmarshal(text, "this worker's configuration")
	if err != nil {
		return nil, err
	}
	shared.Run.Device, shared.Run.IntraThreads, shared.Run.InterThreads = "cpu", 0, 0
	d := &shared.Dataset
	d.CacheDir, d.CacheGB, d.MemoryMB, d.Workers, d.Prefetch = "", 0, 0, 0, 1
	if shared.VGG19.SHA256 != "" {
		shared.VGG19.File = ""
	}
	return shared.Marshal()
}

// differences names the workers that differ from the chief, and in what; one that
// does so itself names the settings too.
func (w *crew) differences(rows [][]int64, own []compared, chiefs []byte, c *config.Config) error {
	var found []string
	for rank, row := range rows {
		var in []string
		for i, one := range own {
			for j := range one.sum {
				if at := i*len(one.sum) + j; row[at] != rows[0][at] {
					in = append(in, one.name)
					break
				}
			}
		}
		if len(in) > 0 {
			found = append(found, fmt.Sprintf("%s differs from the chief in %s", w.names([]int{rank}), strings.Join(in, " and ")))
		}
	}
	if len(found) == 0 {
		return nil
	}
	text := strings.Join(found, "; ") + ": start all workers with the same program, flags and data"
	if chief, err := config.Unmarshal(chiefs, "the chief's configuration"); err == nil && !w.chief() {
		for _, d := range config.DiffForResume(chief, c) {
			if !ownSettings[d.Key] {
				text += fmt.Sprintf("\n  %s: the chief has %s, this worker %s", d.Key, d.Old, d.New)
			}
		}
	}
	return fmt.Errorf("%s", text)
}

// orders are what the chief tells the others between steps: where the run is, how
// long it is, and whether it ends.
type orders struct {
	Position
	Steps      int64
	Milestones []config.StepMilestone
	// Planned says that the length is final.
	Planned bool
	// Complete says that there is nothing to do, Failed that the chief cannot go
	// on.
	Complete, Failed bool
}

// order hands the chief's orders to all.
func (w *crew) order(o orders) (orders, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return o, err
	}
	if text, err = w.fromChief(text); err != nil {
		return o, err
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return o, fmt.Errorf("the chief's orders cannot be read (%w): is it of another build?", err)
	}
	return o, nil
}

// share adds to a graph what gives every variable the chief's value, one after
// the other, so that little memory is taken.
func share(s *graph.Scope, chief bool) *tensorflow.Operation {
	s = s.At("share")
	var last *tensorflow.Operation
	for _, v := range s.Variables(graph.Trainable, graph.State, graph.Slot, graph.Frozen) {
		dims := make([]int, len(v.Dims))
		for i, d := range v.Dims {
			dims[i] = int(d)
		}
		value := v.Value
		if !chief {
			value = s.Zeros(v.DType, dims...)
		}
		if last != nil {
			value = s.After(last, value)
		}
		last = s.Assignment(v, s.AllReduce(value))
	}
	return last
}
