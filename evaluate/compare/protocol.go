package compare

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

// field is a part of a protocol that decides what numbers mean.
type field struct {
	name  string
	value func(result.Protocol) string
	// optional fields may be "none" in one evaluation: it lacks the columns.
	optional bool
}

var fields = []field{
	{name: "kind of data", value: func(p result.Protocol) string { return p.DataKind }},
	{name: "size of pictures", value: func(p result.Protocol) string { return fmt.Sprintf("%dx%d", p.Height, p.Width) }},
	{name: "fit", value: func(p result.Protocol) string { return p.Fit }},
	{name: "num_videos", value: func(p result.Protocol) string { return strconv.Itoa(p.NumVideos) }},
	{name: "metric_on", value: func(p result.Protocol) string { return p.MetricOn }},
	{name: "ssim_window", value: func(p result.Protocol) string { return p.SSIMWindow }},
	{name: "masks", value: func(p result.Protocol) string { return p.Masks }, optional: true},
	{name: "bg_threshold", value: threshold, optional: true},
	{name: "keypoints of real frames", value: func(p result.Protocol) string { return p.KeypointsReal }, optional: true},
	{name: "keypoints of generated frames", value: func(p result.Protocol) string { return p.KeypointsGenerated }, optional: true},
	{name: "embeddings of real frames", value: func(p result.Protocol) string { return p.EmbeddingsReal }, optional: true},
	{name: "embeddings of generated frames", value: func(p result.Protocol) string { return p.EmbeddingsGenerated }, optional: true},
}

func threshold(p result.Protocol) string {
	if p.BGThreshold == 0 {
		return "none"
	}
	return strconv.FormatFloat(p.BGThreshold, 'g', -1, 64)
}

// conflicts names the fields in which evaluations of one test set differ, so
// that their numbers cannot be compared.
func conflicts(group []*result.Evaluation) []string {
	var found []string
	for _, f := range fields {
		seen := map[string][]string{}
		var order []string
		for _, e := range group {
			v := f.value(e.Run.Protocol)
			if f.optional && (v == "none" || v == "") {
				continue
			}
			if seen[v] == nil {
				order = append(order, v)
			}
			seen[v] = append(seen[v], e.Run.Name)
		}
		if len(order) < 2 {
			continue
		}
		var parts []string
		for _, v := range order {
			parts = append(parts, fmt.Sprintf("%s in %s", v, strings.Join(seen[v], ", ")))
		}
		found = append(found, f.name+": "+strings.Join(parts, "; "))
	}
	return found
}

// notes say what a reader of a group's table must know.
func notes(group []*result.Evaluation) []string {
	p := group[0].Run.Protocol
	all := []string{fmt.Sprintf("Metrics on %s; SSIM window %s; masks: %s; keypoints: %s against %s; embeddings: %s.",
		p.MetricOn, p.SSIMWindow, text(p.Masks), text(p.KeypointsGenerated), text(p.KeypointsReal), text(p.EmbeddingsGenerated)),
		"± is half the 95 % interval over frames (1.96 s/√n), as in the paper. It takes the frames of a video as independent, " +
			"which they are not: intervals over videos, in plots and differences, are the honest ones."}
	if names := dataNames(group); len(names) > 1 {
		all = append(all, fmt.Sprintf("Not the same in all: the data are named %s. Their videos are called alike; see that they are.", strings.Join(names, ", ")))
	}
	for _, e := range group {
		if own := e.Run.NotThePapers(); own != "" && !slices.Contains(all, own) {
			all = append(all, own)
		}
	}
	if p.Masks == "model" {
		all = append(all, "Salient parts are each model's own foreground: these columns compare different pixels, and not with the paper's.")
	}
	return append(all, losses(group)...)
}

// losses tell what was left out.
func losses(group []*result.Evaluation) []string {
	var all []string
	for _, e := range group {
		var missing, skipped, infinite int
		for _, r := range e.Summary {
			missing, skipped, infinite = max(missing, r.MissingFrames), max(skipped, r.SkippedVideos), max(infinite, r.Infinite)
		}
		var parts []string
		for _, c := range []struct {
			n    int
			what string
		}{
			{skipped, "videos could not be read"}, {missing, "frames have no prediction"},
			{infinite, "frames are identical (infinite PSNR, left out of the mean)"},
		} {
			if c.n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
			}
		}
		if len(parts) > 0 {
			all = append(all, fmt.Sprintf("%s: %s.", e.Run.Name, strings.Join(parts, ", ")))
		}
	}
	return all
}

// dataNames are the different names that a group's data set was given.
func dataNames(group []*result.Evaluation) []string {
	var all []string
	for _, e := range group {
		if !slices.Contains(all, e.Run.Data) {
			all = append(all, e.Run.Data)
		}
	}
	return all
}

func text(v string) string {
	if v == "" {
		return "none"
	}
	return v
}
