package main

import (
	"time"

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
	examples                        string
	trust                           bool
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
		f.BoolVar(&p.trust, cli.TrustSavedModel, false, cli.TrustUsage)
		f.StringVar(&p.examples, "examples", "", "`what` the page offers to try: test videos of a folder, shapes or sample:talking-head, or none (default: those of the model's own data, if they are drawn, public, or only this machine can come)")
		f.StringVar(&o.Name, "name", o.Name, "`name` of the model in /v1/models/NAME")
	})
	p.Group("The address", func(f *pflag.FlagSet) {
		f.StringVar(&p.address, "address", "127.0.0.1:8501", "`host:port` to listen on; port 0 is any free one. Other hosts than this one let others in, without passwords")
		f.StringSliceVar(&o.Hosts, "hosts", nil, "`names` by which requests may call the server, besides localhost and addresses (without them "+
			"a server on 127.0.0.1 knows no others, one on the network knows all)")
	})
	p.limits("Limits of jobs", func(f limits) {
		f.bytes(&o.MaxUpload, "max_upload", "`bytes` of a picture and a video together, such as 256MiB")
		f.Int64Var(&o.MaxPixels, "max_pixels", o.MaxPixels, "width times height of a picture or of a video's frame, in `pixels`")
		f.count(&o.MaxFrames, "max_frames", "`frames` of a video")
		f.count(&o.Jobs, "jobs", "`number` of jobs that are computed at once")
		f.count(&o.Queue, "queue", "`number` of jobs that may wait; more are refused (429)")
		f.time(&o.JobTimeout, "job_timeout", "`time` that computing a job may take")
		f.time(&o.Abandon, "abandon", "cancel a job that nobody has asked about for this `time`; 0 never")
		f.time(&o.Keep, "keep", "`time` for which a job that has ended is kept, with its result")
		f.count(&o.Kept, "kept", "`number` of ended jobs that are kept; the oldest go first")
		f.StringVar(&o.Work, "work", "", "`folder` for the files of jobs (default: one of your own in the folder for temporary files); emptied of what dead servers left")
	})
	p.limits("Limits of predict", func(f limits) {
		f.bytes(&o.MaxBody, "max_body", "`bytes` of a request")
		f.Int64Var(&o.MaxRequestPixels, "max_request_pixels", o.MaxRequestPixels, "width times height of all pictures of a request together, in `pixels`")
		f.count(&o.MaxBatch, "max_batch", "`examples` in a request")
		f.count(&o.Predicts, "predicts", "`number` of requests that are computed at once")
		f.count(&o.PredictQueue, "predict_queue", "`number` of requests that may wait; more are refused (429)")
		f.time(&o.PredictTimeout, "predict_timeout", "`time` that a request may wait for its turn")
	})
	p.limits("Limits of connections", func(f limits) {
		f.count(&o.Connections, "connections", "`number` that are open at once")
		f.time(&o.HeaderTimeout, "header_timeout", "`time` that sending a request's header may take")
		f.time(&o.StallTimeout, "stall_timeout", "`time` for which a client may send or take nothing")
		f.bytes(&o.MinRate, "min_rate", "`bytes` a second that a request must come at on the whole; one that is behind loses its place when others need it")
		f.time(&o.UploadTimeout, "upload_timeout", "`time` that sending a whole request may take")
		f.time(&o.KeepAlive, "keep_alive", "`time` that a connection may wait for the next request")
		f.time(&o.Grace, "grace", "`time` that jobs may go on when the server is to stop")
	})
	p.Paths(cli.Input, "checkpoint", "saved_model", "examples")
	p.Paths(cli.OutputFolder, "work")
	p.shared = p.AddShared(cli.Device)
	p.Group("The machine", func(f *pflag.FlagSet) {
		f.IntVar(&p.batch, "batch", 0, "compute `n` frames of a job at once (default: what suits the pictures' size)")
	})
	return p
}

// limits are flags whose defaults stand where their values go.
type limits struct{ *pflag.FlagSet }

func (p *program) limits(title string, add func(limits)) {
	p.Group(title, func(f *pflag.FlagSet) { add(limits{f}) })
}

func (f limits) count(to *int, name, usage string) { f.IntVar(to, name, *to, usage) }

func (f limits) time(to *time.Duration, name, usage string) { f.DurationVar(to, name, *to, usage) }

func (f limits) bytes(to *int64, name, usage string) { f.Var((*byteSize)(to), name, usage) }
