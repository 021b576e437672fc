package serve

import (
	"context"
	"path/filepath"
	"strings"
	"time"
)

// State of a job.
type State string

// A job waits, runs, and ends in one of three ways.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended says that nothing more will happen.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Status is what a client sees of a job.
type Status struct {
	ID      string    `json:"id"`
	State   State     `json:"state"`
	Created time.Time `json:"created"`
	// Before counts the jobs that run or wait before it; 0 unless Queued.
	Before int `json:"jobs_before,omitempty"`
	// Frames are done, of Total; 0 is unknown.
	Frames int `json:"frames"`
	Total  int `json:"frames_total,omitempty"`
	// FPS is frames a second so far, 0 while unknown.
	FPS float64 `json:"fps,omitempty"`
	// SecondsLeft is an estimate, absent while there is none.
	SecondsLeft *float64 `json:"seconds_left,omitempty"`
	// Warnings say what the result suffers from.
	Warnings []string `json:"warnings,omitempty"`
	// Error says why it failed or was cancelled.
	Error string `json:"error,omitempty"`
	// Expires is when a job that has ended is forgotten.
	Expires *time.Time `json:"expires,omitempty"`
	// Result is the path of the film, of ResultType and ResultBytes, when it
	// is done.
	Result      string `json:"result,omitempty"`
	ResultType  string `json:"result_type,omitempty"`
	ResultBytes int64  `json:"result_bytes,omitempty"`
	// SourceView and DrivingView are the paths of what the model saw of both
	// files, a png and a film of ResultType, when it is done.
	SourceView  string `json:"source_view,omitempty"`
	DrivingView string `json:"driving_view,omitempty"`
}

// job is one animation. All but the first fields belong to the queue's lock.
type job struct {
	id, dir string
	work    Animation
	created time.Time

	state   State
	warned  []string
	reason  string // why it failed or was cancelled
	working bool   // the animator has it, also for a while after its end
	cancel  context.CancelCauseFunc
	ended   time.Time
	late    bool // it ended while the server was stopping

	done, total       int
	firstDone         int
	firstAt, latestAt time.Time

	watchers int       // open event streams
	seen     time.Time // when somebody last asked
	fetched  bool      // somebody has taken the result
	bytes    int64
	viewed   bool          // there are views
	changed  chan struct{} // closed and replaced at every change
}

// touch wakes whoever watches.
func (j *job) touch() {
	close(j.changed)
	j.changed = make(chan struct{})
}

func (j *job) progress(now time.Time, done, total int) (more int) {
	more = max(done-j.done, 0)
	if j.firstAt.IsZero() {
		j.firstAt, j.firstDone = now, done
	}
	j.done, j.total, j.latestAt = max(done, j.done), total, now
	return more
}

// maxWarnings bounds what is kept of what an animator says.
const maxWarnings = 10

func (j *job) warn(text string) {
	if len(j.warned) < maxWarnings {
		j.warned = append(j.warned[:len(j.warned):len(j.warned)], j.withoutPaths(text)) // statuses share it
	}
}

// rate is frames a second since the first report, 0 while unknown: what comes
// before it is start-up. Frames come in batches; one alone says nothing.
func (j *job) rate() float64 {
	took := j.latestAt.Sub(j.firstAt)
	if j.done <= j.firstDone || took < time.Second {
		return 0
	}
	return float64(j.done-j.firstDone) / took.Seconds()
}

func (j *job) status(before int, keep time.Duration) Status {
	s := Status{
		ID: j.id, State: j.state, Created: j.created.UTC().Truncate(time.Millisecond),
		Frames: j.done, Total: j.total, FPS: j.rate(), Warnings: j.warned, Error: j.reason,
	}
	switch {
	case j.state == Queued:
		s.Before = before
	case j.state == Running && s.FPS > 0 && s.Total > s.Frames:
		left := float64(s.Total-s.Frames) / s.FPS
		s.SecondsLeft = &left
	case j.state.Ended():
		expires := j.ended.Add(keep).UTC().Truncate(time.Second)
		s.Expires = &expires
	}
	if j.state == Done {
		s.Result, s.ResultType, s.ResultBytes = "/jobs/"+j.id+"/result", mediaTypes[j.work.Format], j.bytes
		if j.viewed {
			s.SourceView, s.DrivingView = "/jobs/"+j.id+"/views/source", "/jobs/"+j.id+"/views/driving"
		}
	}
	return s
}

// withoutPaths takes the server's folders out of a message for strangers.
func (j *job) withoutPaths(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, j.dir+string(filepath.Separator), ""), j.dir, "the job")
}
