package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/serve"
)

const summary = "Serves a trained model on this machine: a page to animate a picture after a video, jobs for programs, TensorFlow Serving's REST " +
	"interface for the signatures, and metrics for Prometheus. docs/serve.md lists the paths."

// program is the command line of serve.
type program struct {
	*cli.Command
	checkpoint, savedModel, address string
	batch                           int
	options                         serve.Options
	shared                          *cli.Shared
}

func command() *program {
	p := &program{Command: cli.New("serve", summary), options: serve.DefaultOptions()}
	p.Examples = []string{
		"bazel run //cmd:serve  # the model of the default training run, on http://127.0.0.1:8501/",
		"bazel run //cmd:serve -- --saved_model=models/vox --name=vox  # an exported model",
		"bazel run //cmd:serve -- --checkpoint=runs/vox-256-prioritycut --address=0.0.0.0:8080 --hosts=films.example  # behind a proxy of that name",
	}
	o := &p.options
	p.Group("The model", func(f *pflag.FlagSet) {
		f.StringVar(&p.checkpoint, "checkpoint", "", "`folder` of a training run or of one of its checkpoints (default "+defaultRun()+")")
		f.StringVar(&p.savedModel, "saved_model", "", "`folder` of an exported model instead, or of its versions: the newest is served")
		f.StringVar(&o.Name, "name", o.Name, "`name` of the model in /v1/models/NAME")
	})
	p.Group("The address", func(f *pflag.FlagSet) {
		f.StringVar(&p.address, "address", "127.0.0.1:8501", "`host:port` to listen on; port 0 is any free one. Other hosts than this one let others in, without passwords")
		f.StringSliceVar(&o.Hosts, "hosts", nil, "`names` by which requests may call the server, besides localhost and addresses (without them "+
			"a server on 127.0.0.1 knows no others, one on the network knows all)")
	})
	p.Group("Limits of jobs", func(f *pflag.FlagSet) {
		f.Var((*byteSize)(&o.MaxUpload), "max_upload", "`bytes` of a picture and a video together, such as 256MiB")
		f.Int64Var(&o.MaxPixels, "max_pixels", o.MaxPixels, "width times height of a picture or of a video's frame, in `pixels`")
		f.IntVar(&o.MaxFrames, "max_frames", o.MaxFrames, "`frames` of a video")
		f.IntVar(&o.Jobs, "jobs", o.Jobs, "`number` of jobs that are computed at once")
		f.IntVar(&o.Queue, "queue", o.Queue, "`number` of jobs that may wait; more are refused (429)")
		f.DurationVar(&o.JobTimeout, "job_timeout", o.JobTimeout, "`time` that computing a job may take")
		f.DurationVar(&o.Abandon, "abandon", o.Abandon, "cancel a job that nobody has asked about for this `time`; 0 never")
		f.DurationVar(&o.Keep, "keep", o.Keep, "`time` for which a job that has ended is kept, with its result")
		f.IntVar(&o.Kept, "kept", o.Kept, "`number` of ended jobs that are kept; the oldest go first")
		f.StringVar(&o.Work, "work", "", "`folder` for the files of jobs (default: one of your own in the folder for temporary files); emptied of what dead servers left")
	})
	p.Group("Limits of predict", func(f *pflag.FlagSet) {
		f.Var((*byteSize)(&o.MaxBody), "max_body", "`bytes` of a request")
		f.IntVar(&o.MaxBatch, "max_batch", o.MaxBatch, "`examples` in a request")
		f.IntVar(&o.Predicts, "predicts", o.Predicts, "`number` of requests that are computed at once")
		f.IntVar(&o.PredictQueue, "predict_queue", o.PredictQueue, "`number` of requests that may wait; more are refused (429)")
		f.DurationVar(&o.PredictTimeout, "predict_timeout", o.PredictTimeout, "`time` that a request may wait for its turn")
	})
	p.Group("Limits of connections", func(f *pflag.FlagSet) {
		f.IntVar(&o.Connections, "connections", o.Connections, "`number` that are open at once")
		f.DurationVar(&o.HeaderTimeout, "header_timeout", o.HeaderTimeout, "`time` that sending a request's header may take")
		f.DurationVar(&o.StallTimeout, "stall_timeout", o.StallTimeout, "`time` for which a client may send or take nothing")
		f.DurationVar(&o.UploadTimeout, "upload_timeout", o.UploadTimeout, "`time` that sending a whole request may take")
		f.DurationVar(&o.KeepAlive, "keep_alive", o.KeepAlive, "`time` that a connection may wait for the next request")
		f.DurationVar(&o.Grace, "grace", o.Grace, "`time` that jobs may go on when the server is to stop")
	})
	p.shared = p.AddShared(cli.Device)
	p.Group("The machine", func(f *pflag.FlagSet) {
		f.IntVar(&p.batch, "batch", 0, "compute `n` frames of a job at once (default: what suits the pictures' size)")
	})
	return p
}

// byteSize is a flag's value such as 64MiB.
type byteSize int64

var units = []struct {
	name string
	size int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

// String writes the largest unit that divides it.
func (b *byteSize) String() string {
	for _, u := range units {
		if n := int64(*b); n%u.size == 0 && (n != 0 || u.size == 1) {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return ""
}

// Set reads a number, with or without a unit.
func (b *byteSize) Set(text string) error {
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.size {
			break
		}
		*b = byteSize(n * u.size)
		return nil
	}
	return fmt.Errorf("want a number of bytes, such as 1000000, 512KiB, 64MiB or 2GiB")
}

// Type names the value in messages.
func (b *byteSize) Type() string { return "bytes" }
