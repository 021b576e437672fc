package export

import (
	"fmt"
	"strings"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf"
)

// purposes say what each signature does.
var purposes = map[string]string{
	infer.SigDefault: "Animates `source` by the movement from `driving_initial` to `driving` (relative motion, FOMM 3.3): " +
		"the figures need not look alike, but `driving_initial` should show the pose of `source`. `driving_initial` is the same for all frames of a video.",
	infer.SigAbsolute: "Moves `source` to the keypoints of `driving` themselves, as reconstruction does. `background` is the background alpha of PriorityCut " +
		"(1: not moved by any keypoint), `occlusion_map` is 0 where pixels must be painted anew; both come at the size of the picture.",
	infer.SigKeypoints: "Finds keypoints: `value` is (x, y) in [-1, 1], `jacobian` the local affine map.",
	infer.SigEncode:    "Computes once what depends on the source picture alone; feed its outputs to `animate_frame` for every frame.",
	infer.SigFrame:     "Animates an encoded source. `kp_driving_*` are used as they are: for relative motion, value = driving - initial + source and jacobian = J_driving J_initial^-1 J_source. Called directly (not through a server that batches), what belongs to the source may have the first dimension 1 and serves all N frames.",
	infer.SigBytes:     "Animates files by relative motion, as `serving_default` does pictures where no other default was chosen: each string is a JPEG or PNG (also GIF or BMP, first picture) of any size, decoded and brought to the model's size by itself.",
}

// fitText says how files come to the model's size, if it takes any.
func fitText(n infer.Notes, chosen *selection) string {
	if len(chosen.written(infer.SigBytes)) == 0 {
		return ""
	}
	how := map[string]string{
		"crop":    "keeps the aspect and cuts what stands out, equally on both sides",
		"pad":     "keeps the aspect and fills up with black, equally on both sides",
		"stretch": "scales both axes on their own",
	}
	return fmt.Sprintf("`%s` fits pictures by `%s`, the model's own way, which %s. It resamples with a Catmull-Rom kernel (TensorFlow's "+
		"ScaleAndTranslate, \"keyscubic\", antialiased), rounds to 8 bits and drops alpha. Files are trusted to be pictures: limit their size before they come here.",
		infer.SigBytes, n.Fit, how[string(n.Fit)])
}

// describe is the text for people that lies beside an exported model, in
// Markdown.
func describe(name string, n infer.Notes, chosen *selection) string {
	var b strings.Builder
	weights := "variables"
	if n.Frozen {
		weights = "constants of the graph (frozen), batch norm folded into convolutions"
	}
	fmt.Fprintf(&b, "# %s\n\nImage animation by first order motion, exported by PriorityCut: preset %s, variant %s, step %d, weights %.16s.\n\n",
		name, n.Preset, n.Variant, n.Step, n.Digest)
	fmt.Fprintf(&b, "Pictures are float32 [N, %d, %d, 3] in [0, 1] (RGB). All inputs and outputs of a signature have the same first dimension N, which is open. "+
		"Weights are %s. Bilinear sampling has align_corners %v. The graph has TensorFlow's own operations only.\n\n%s\n",
		n.FrameShape[0], n.FrameShape[1], weights, n.AlignCorners, fitText(n, chosen))
	for _, s := range chosen.list {
		own := chosen.own(s.Name)
		purpose := purposes[own]
		if own != s.Name {
			purpose = "Is `" + own + "` once more, for programs that see one signature only."
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| | tensor | type |\n|---|---|---|\n", s.Name, purpose)
		for _, part := range []struct {
			what  string
			specs map[string]tf.TensorSpec
		}{{"in", s.Inputs}, {"out", s.Outputs}} {
			for _, key := range sortedSpecs(part.specs) {
				fmt.Fprintf(&b, "| %s | `%s` | %s |\n", part.what, key, strings.ReplaceAll(part.specs[key].String(), "[?", "[N"))
			}
		}
	}
	fmt.Fprintf(&b, "\n`%s` says the same to programs.\n", infer.NotesFile)
	return b.String()
}

// SignatureHelp says what each signature takes and does, for any model.
func SignatureHelp() string {
	var b strings.Builder
	b.WriteString("Pictures are float32 [N, H, W, 3] in [0, 1], of the model's size; N is open and the same for all inputs.\n")
	for _, s := range []struct{ name, form string }{
		{infer.SigDefault, "source, driving, driving_initial -> prediction"},
		{infer.SigAbsolute, "source, driving -> prediction, background, occlusion_map"},
		{infer.SigKeypoints, "image -> value [N, K, 2], jacobian [N, K, 2, 2]"},
		{infer.SigEncode, "source -> small, features, kp_source_value, kp_source_jacobian"},
		{infer.SigFrame, "small, features, kp_source_*, kp_driving_value, kp_driving_jacobian -> prediction"},
		{infer.SigBytes, "source_bytes, driving_bytes, driving_initial_bytes (string [N]) -> prediction"},
	} {
		fmt.Fprintf(&b, "\n%s: %s\n  %s\n", s.name, s.form, strings.ReplaceAll(purposes[s.name], "`", ""))
	}
	return b.String()
}
