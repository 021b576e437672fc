package serve

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Options say how a server behaves. Start from DefaultOptions.
type Options struct {
	// Name and Version are those of the model in the paths of predict.
	Name    string
	Version int64
	// Work is the folder for the files of jobs; empty takes one of the user's
	// own under the system's folder for temporary files. Several servers may
	// share it.
	Work string
	// Hosts are the names that requests may give the server, without ports.
	// Addresses and localhost are always allowed. Empty allows no other name
	// if Loopback, else all.
	Hosts []string
	// Loopback says that the server listens on localhost only.
	Loopback bool

	// MaxUpload bounds the bytes of a job's upload, MaxBody those of a predict
	// request.
	MaxUpload, MaxBody int64
	// MaxPixels bounds width * height of pictures and of a film's frames,
	// MaxFrames the frames of a film, MaxBatch the examples of a predict
	// request, MaxRequestPixels the pixels of all its pictures together.
	MaxPixels        int64
	MaxRequestPixels int64
	MaxFrames        int
	MaxBatch         int
	// Jobs run at once, Queue jobs wait; uploads count as waiting as soon as some
	// of their bytes have come. Kept jobs
	// that have ended are remembered.
	Jobs, Queue, Kept int
	// Predicts run at once, PredictQueue wait.
	Predicts, PredictQueue int
	// Connections are open at once. The next takes the place of one that keeps
	// the server waiting, or waits itself.
	Connections int

	// MinRate is the bytes a second that a body must come at on the whole, after
	// StallTimeout. One that is behind loses its place as soon as somebody else
	// needs it.
	MinRate int64
	// HeaderTimeout bounds reading a request's header, KeepAlive the time
	// between two requests on a connection, StallTimeout how long the other
	// side may send or take nothing.
	HeaderTimeout, KeepAlive, StallTimeout time.Duration
	// UploadTimeout bounds receiving a body and looking into it, JobTimeout
	// computing one job, PredictTimeout waiting for a turn to predict.
	UploadTimeout, JobTimeout, PredictTimeout time.Duration
	// Keep is how long the files of a job that has ended stay.
	Keep time.Duration
	// Abandon cancels a job that nobody has asked about for so long; an open
	// event stream asks all the time. 0 never cancels.
	Abandon time.Duration
	// Grace is how long jobs may go on after the server was asked to stop.
	Grace time.Duration

	// probeTime bounds looking into a film's header; tests lower it.
	probeTime time.Duration
}

// DefaultOptions suit one person's machine.
func DefaultOptions() Options {
	return Options{
		Name: "prioritycut", Version: 1, Loopback: true,
		MaxUpload: 256 << 20, MaxBody: 64 << 20, MaxPixels: 1 << 24, MaxRequestPixels: 1 << 26, MaxFrames: 9000, MaxBatch: 64,
		Jobs: 1, Queue: 8, Kept: 50, Predicts: 2, PredictQueue: 16, Connections: 256, MinRate: 16 << 10,
		HeaderTimeout: 10 * time.Second, KeepAlive: 2 * time.Minute, StallTimeout: 30 * time.Second,
		UploadTimeout: 10 * time.Minute, JobTimeout: 30 * time.Minute, PredictTimeout: 30 * time.Second,
		Keep: time.Hour, Abandon: time.Minute, Grace: 30 * time.Second, probeTime: 30 * time.Second,
	}
}

var modelName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

// Validate reports every option that has no meaning, by its flag.
func (o Options) Validate() error {
	var errs []error
	if !modelName.MatchString(o.Name) {
		errs = append(errs, fmt.Errorf("`name`=%q: letters, digits, '_', '-' and '.' only, at most 100", o.Name))
	}
	if o.Version < 1 {
		errs = append(errs, fmt.Errorf("the model's version is %d, want 1 or more", o.Version))
	}
	for _, h := range o.Hosts {
		if h == "" || strings.ContainsAny(h, "/: \t") {
			errs = append(errs, fmt.Errorf("`hosts`: %q is no host name (no scheme, no port)", h))
		}
	}
	within := func(flag string, value, least, most int64) {
		if value < least || value > most {
			errs = append(errs, fmt.Errorf("`%s`=%d: want %d to %d", flag, value, least, most))
		}
	}
	within("max_upload", o.MaxUpload, 1<<10, 1<<40)
	within("max_body", o.MaxBody, 1<<10, 1<<30)
	within("max_pixels", o.MaxPixels, 1, 1<<28)
	within("max_request_pixels", o.MaxRequestPixels, 1, 1<<30)
	within("max_frames", int64(o.MaxFrames), 1, 1<<24)
	within("max_batch", int64(o.MaxBatch), 1, 1<<12)
	within("jobs", int64(o.Jobs), 1, 64)
	within("queue", int64(o.Queue), 0, 1000)
	within("kept", int64(o.Kept), 1, 10000)
	within("predicts", int64(o.Predicts), 1, 64)
	within("predict_queue", int64(o.PredictQueue), 0, 1000)
	within("connections", int64(o.Connections), 1, 1<<16)
	within("min_rate", o.MinRate, 1, 1<<30)
	lasting := func(flag string, value, least, most time.Duration) {
		if value < least || value > most {
			errs = append(errs, fmt.Errorf("`%s`=%v: want %v to %v", flag, value, least, most))
		}
	}
	const second, day = time.Second, 24 * time.Hour
	lasting("header_timeout", o.HeaderTimeout, second/10, time.Hour)
	lasting("keep_alive", o.KeepAlive, second/10, day)
	lasting("stall_timeout", o.StallTimeout, second/10, time.Hour)
	lasting("upload_timeout", o.UploadTimeout, second/10, day)
	lasting("job_timeout", o.JobTimeout, second/10, 7*day)
	lasting("predict_timeout", o.PredictTimeout, second/10, time.Hour)
	lasting("keep", o.Keep, second/10, 30*day)
	if o.Abandon != 0 {
		lasting("abandon", o.Abandon, second/10, 7*day)
	}
	lasting("grace", o.Grace, 0, day)
	return errors.Join(errs...)
}
