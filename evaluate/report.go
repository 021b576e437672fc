package evaluate

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

// titleOf names a column for people.
func titleOf(m result.Measure) string {
	name, _, _ := strings.Cut(titles[m.Metric], " ↑")
	name, _, _ = strings.Cut(name, " ↓")
	if m.Region == result.All {
		return name
	}
	return name + " " + regionOf(m.Region)
}

func regionOf(region string) string { return strings.ReplaceAll(region, "_", " ") }

// titles of metrics, with an arrow to what is better.
var titles = map[string]string{
	result.L1: "L1 ↓", result.PSNR: "PSNR ↑", result.SSIM: "SSIM ↑", result.AKD: "AKD ↓", result.MKR: "MKR ↓",
	result.AED: "AED squared ↓", result.AEDEuclidean: "AED Euclidean ↓",
}

// decimals that mean something at thousands of frames, as in the paper's
// tables.
var decimals = map[string]int{result.PSNR: 2, result.AKD: 3}

func decimalsOf(metric string) int {
	if d, ok := decimals[metric]; ok {
		return d
	}
	return 4
}

// WriteReport prints what was found, for people.
func WriteReport(w io.Writer, o *Outcome) error {
	var b strings.Builder
	r := o.Run
	first := o.Summary[0]
	fmt.Fprintf(&b, "%s%s on %s: %s of %s, %dx%d pixels\n\n", r.Name, variantOf(r), r.Data, count(first.Frames, "frame"), count(first.Videos, "video"), r.Width, r.Height)
	writeTable(&b, o.Summary)
	if first.Videos < 2 {
		fmt.Fprintln(&b, "\nThe interval is 1.96 s/sqrt(frames), as in the paper. It takes frames as independent, which those of one video are\n"+
			"not: it is too narrow, and one video tells nothing about others.")
	} else {
		fmt.Fprintf(&b, "\nThe first interval is 1.96 s/sqrt(frames), as in the paper: it takes frames as independent, which those of one\n"+
			"video are not, so it is too narrow. The second draws whole videos anew (bootstrap) and is the one to trust.\n")
	}
	writeJoints(&b, o.Joints, r.DataKind == result.Faces)
	missing, err := missingFrames(o)
	if err != nil {
		return err
	}
	for _, note := range notes(o, missing) {
		fmt.Fprintln(&b, note)
	}
	fmt.Fprintf(&b, "tables: %s\n", o.Folder.Summary())
	_, err = io.WriteString(w, b.String())
	return err
}

func variantOf(r result.Run) string {
	switch {
	case r.Variant != "" && r.Step > 0:
		return fmt.Sprintf(" (%s, step %d)", r.Variant, r.Step)
	case r.Variant != "":
		return fmt.Sprintf(" (%s)", r.Variant)
	}
	return ""
}

// count says how many there are of something.
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// writeTable prints the metrics that were measured.
func writeTable(b *strings.Builder, summary []result.SummaryRow) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "metric\tregion\tmean\t± frames\t95 % over videos\tframes\t")
	for _, s := range summary {
		if !s.Mean.Known() && !askedFor(s) {
			continue
		}
		d := decimalsOf(s.Metric)
		over := ""
		if s.CIVideosLow.Known() {
			over = fixed(s.CIVideosLow, d) + " .. " + fixed(s.CIVideosHigh, d)
		}
		mean := "none"
		if s.Mean.Known() {
			mean = fixed(s.Mean, d)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t\n", titles[s.Metric], regionOf(s.Region), mean, fixed(s.CI95, d+1), over, s.Frames)
	}
	t.Flush()
}

// askedFor reports whether a metric of detections was to be measured.
func askedFor(s result.SummaryRow) bool {
	switch s.Metric {
	case result.AKD:
		return s.Run.KeypointsReal != FromNowhere
	case result.MKR:
		return s.Run.KeypointsReal != FromNowhere && s.Run.DataKind != result.Faces
	case result.AED, result.AEDEuclidean:
		return s.Run.EmbeddingsReal != FromNowhere
	}
	return false
}

// inVain says of a metric that no frame gave a value for how many frames were
// looked at, and what was found in them.
func inVain(s result.SummaryRow, summary []result.SummaryRow) string {
	name := titleOf(s.Measure())
	looked := count(summary[0].Frames, "frame")
	switch s.Metric {
	case result.AKD:
		for _, other := range summary {
			if other.Metric == result.MKR && other.Frames > 0 {
				return fmt.Sprintf("%s: none of %s has a keypoint that was found in the real and in the generated one; in %d real frames there was one. Does the detector know such pictures?",
					name, looked, other.Frames)
			}
		}
		return fmt.Sprintf("%s: none of %s has a keypoint that was found in the real and in the generated one. Does the detector know such pictures?", name, looked)
	case result.MKR:
		return fmt.Sprintf("%s: in none of %s a keypoint was found in the real one. Does the detector know such pictures?", name, looked)
	}
	return fmt.Sprintf("%s: none of %s has an embedding of the real and of the generated one. Does the embedder know such pictures?", name, looked)
}

func fixed(v result.Value, decimals int) string {
	switch {
	case !v.Known():
		return ""
	case !v.Finite():
		return fmt.Sprintf("%.0f", float64(v))
	}
	return v.Fixed(decimals)
}

// notes say what is not in the table, and why. missing are the frames without
// predictions, by video.
func notes(o *Outcome, missing map[string][]int) []string {
	var out []string
	r := o.Run
	if o.Resumed > 0 {
		out = append(out, fmt.Sprintf("%s of an earlier call not done again.", count(o.Resumed, "video")))
	}
	if n := len(o.Skipped); n > 0 {
		out = append(out, fmt.Sprintf("%s could not be read, left out:", count(n, "video")))
		const most = 5
		for i, s := range o.Skipped {
			if i == most {
				out = append(out, fmt.Sprintf("  and %d more, see %s", n-most, o.Folder.Videos()))
				break
			}
			out = append(out, "  "+s.Error)
		}
	}
	if n := o.Summary[0].MissingFrames; n > 0 {
		out = append(out, fmt.Sprintf("%s without a prediction, left out: %s.", count(n, "frame"), strings.Join(without(o, missing), ", ")))
	}
	for _, s := range o.Summary {
		if s.Infinite > 0 {
			out = append(out, fmt.Sprintf("%s: %s equal to the real one (infinite), left out of the mean.", titleOf(s.Measure()), count(s.Infinite, "frame")))
		}
	}
	switch {
	case r.Masks == FromNowhere:
		out = append(out, "Salient parts: not measured without `masks` or `mask_model`.")
	case strings.Contains(r.Masks, "@"):
		out = append(out, fmt.Sprintf("Salient parts of real frames, the same for all models, by %s.", r.Masks))
	default:
		out = append(out, fmt.Sprintf("Salient parts by `masks`=%s.", r.Masks))
	}
	if r.KeypointsReal == FromNowhere {
		out = append(out, "AKD, MKR: not measured without `keypoints` or `keypoint_model`.")
	} else {
		out = append(out, "Keypoints "+by(r.KeypointsReal, r.KeypointsGenerated))
	}
	for _, s := range o.Summary {
		if !s.Mean.Known() && askedFor(s) && s.Metric != result.AEDEuclidean {
			out = append(out, inVain(s, o.Summary))
		}
	}
	if r.EmbeddingsReal == FromNowhere {
		out = append(out, "AED: not measured without `embeddings` or `embedding_model`.")
	} else {
		out = append(out, "Embeddings "+by(r.EmbeddingsReal, r.EmbeddingsGenerated))
	}
	for _, d := range o.Doubts {
		out = append(out, "Not to be quoted: "+d+".")
	}
	if own := r.NotThePapers(); own != "" {
		out = append(out, own)
	}
	for _, d := range o.Detectors {
		out = append(out, fmt.Sprintf("Time of %s: %.3g ms a frame by %s, the mean of %d.", d.Kind, 1000*d.PerFrame.Seconds(), d.Model, d.Frames))
	}
	return out
}

// by says who looked at real and at generated frames.
func by(real, generated string) string {
	if real == generated {
		return fmt.Sprintf("of real and generated frames by %s.", real)
	}
	return fmt.Sprintf("of real frames by %s, of generated ones by %s.", real, generated)
}

// missingFrames are the frames without predictions, by video, as far as
// frames.csv tells: no more of each than are named.
func missingFrames(o *Outcome) (map[string][]int, error) {
	missing := map[string][]int{}
	if o.Summary[0].MissingFrames == 0 || !o.HasFrames {
		return missing, nil
	}
	err := result.EachFrame(o.Folder.Frames(), func(r result.FrameRow) error {
		if !r.L1.Known() && len(missing[r.Video]) <= mostNamed {
			missing[r.Video] = append(missing[r.Video], r.Frame)
		}
		return nil
	})
	return missing, err
}

// mostNamed is how many videos, and how many frames of each, are named.
const mostNamed = 6

// without names the videos that lack predictions, and the frames.
func without(o *Outcome, missing map[string][]int) []string {
	var out []string
	first := result.Measures()[0]
	for _, v := range o.Videos {
		if v.MissingFrames == 0 || v.Measure() != first {
			continue
		}
		if len(out) == mostNamed {
			return append(out, "...")
		}
		frames := ""
		if v.MissingFrames < v.Length && len(missing[v.Video]) > 0 {
			frames = ": " + listed(missing[v.Video])
		}
		out = append(out, fmt.Sprintf("%s (%d of %d%s)", v.Video, v.MissingFrames, v.Length, frames))
	}
	return out
}

// listed shows the first numbers.
func listed(numbers []int) string {
	var text []string
	for i, n := range numbers {
		if i == mostNamed {
			text = append(text, "...")
			break
		}
		text = append(text, strconv.Itoa(n))
	}
	return strings.Join(text, " ")
}
