package config

import (
	"errors"
	"fmt"
	"strings"
)

// free are the keys and sections (with a dot at the end) that may change when
// a run goes on: how long it lasts, what it reports, where files lie and how
// the machine is used. Everything else decides what is learned.
var free = []string{
	"format_version",
	"vgg19.file", // the weights are compared by vgg19.sha256
	"dataset_params.pairs_list",
	"dataset_params.max_broken",
	"dataset_params.memory_mb",
	"dataset_params.cache_gb",
	"dataset_params.cache_dir",
	"dataset_params.workers",
	"dataset_params.prefetch",
	"train_params.steps",
	"train_params.num_epochs",
	"train_params.plan_seconds",
	"train_params.plan_steps",
	"train_params.plan_falls",
	"train_params.max_refused_steps",
	"train_params.max_failed_writes",
	"train_params.checkpoint_freq",
	"train_params.checkpoint_steps",
	"train_params.keep_checkpoints",
	"train_params.log_steps",
	"train_params.picture_steps",
	"train_params.picture_rows",
	"train_params.validation_steps",
	"train_params.validation_videos",
	"train_params.validation_frames",
	"reconstruction_params.",
	"animate_params.",
	"visualizer_params.",
	"run_params.",
}

func resumable(path string) bool {
	for _, f := range free {
		if path == f || (strings.HasSuffix(f, ".") && strings.HasPrefix(path, f)) {
			return true
		}
	}
	return false
}

// KeyDiff is a key whose value differs between a run and what is asked now.
type KeyDiff struct {
	Key      string // dotted path
	Old, New string // YAML on one line; empty when the key is not there
	Allowed  bool   // false: it would change the meaning of the run
}

// String returns the difference in one line.
func (d KeyDiff) String() string {
	return fmt.Sprintf("%s: %s in the run, %s now", d.Key, show(d.Old), show(d.New))
}

func show(value string) string {
	if value == "" {
		return "absent"
	}
	return value
}

// DiffForResume lists the keys in which asked differs from the configuration
// that a run was begun with, in the order of the tree. The sum of VGG-19's
// weights counts when both know it; random features against a file always do.
func DiffForResume(run, asked *Config) []KeyDiff {
	var diffs []KeyDiff
	for _, l := range leaves() {
		if !belongs(l.path, run.FamilyName()) && !belongs(l.path, asked.FamilyName()) {
			continue
		}
		was, now := "", ""
		if v, ok := value(run, l.path); ok {
			was = oneLine(v)
		}
		if v, ok := value(asked, l.path); ok {
			now = oneLine(v)
		}
		if was == now {
			continue
		}
		allowed := resumable(l.path)
		switch l.path {
		case "vgg19.file":
			allowed = (run.VGG19.File == RandomVGG19) == (asked.VGG19.File == RandomVGG19)
		case "train_params.accumulate_steps": // 0 and 1 are the same
			allowed = max(run.Train.AccumulateSteps, 1) == max(asked.Train.AccumulateSteps, 1)
		case "vgg19.sha256":
			allowed = run.VGG19.SHA256 == "" || asked.VGG19.SHA256 == ""
		}
		diffs = append(diffs, KeyDiff{Key: l.path, Old: was, New: now, Allowed: allowed})
	}
	return diffs
}

// RefuseOnResume returns an error that names every difference which would
// change the meaning of the run, nil when there is none.
func RefuseOnResume(diffs []KeyDiff) error {
	var refused []string
	for _, d := range diffs {
		if !d.Allowed {
			refused = append(refused, "  "+d.String())
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return errors.New("the run cannot go on with settings that change its meaning:\n" +
		strings.Join(refused, "\n") + "\ngive the run's own settings, or another `out` for a new run")
}
