package export

import (
	"fmt"
	"strings"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
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

// otherPurposes are those of families that differ from FOMM in them.
var otherPurposes = map[model.FamilyName]map[string]string{
	model.MonkeyNetFamily: {
		infer.SigDefault: "Animates `source` by the movement from `driving_initial` to `driving` (relative motion): keypoints move, and spread as the driving ones do " +
			"(or relatively too, where the configuration says adapt_variance). `driving_initial` should show the pose of `source` and is the same for all frames of a video.",
		infer.SigAbsolute:  "Moves `source` to the keypoints of `driving` themselves, as reconstruction does. `background` is the share of what does not move, at the size of the picture.",
		infer.SigKeypoints: "Finds keypoints: `value` is (x, y) in [-1, 1], `variance` how far each spreads: a 2x2 matrix, or one number.",
		infer.SigFrame: "Animates an encoded source. `kp_driving_*` are used as they are: for relative motion, value = driving - initial + source, and the driving frame's variance. " +
			"Called directly (not through a server that batches), what belongs to the source may have the first dimension 1 and serves all N frames.",
	},
	model.X2FaceFamily: {
		infer.SigDefault:  "Drives `source` by `driving`, each frame for itself: there are no keypoints, and no relative motion.",
		infer.SigAbsolute: "Is `serving_default`: all motion is absolute.",
		infer.SigPose:     "Finds how a face is sampled to look as in the picture: `grid`, (x, y) in [-1, 1], for every pixel.",
		infer.SigEncode: "Draws the pixels of a picture together to an embedded `face`. Of several pictures of one figure the face is their mean, pixel by pixel, " +
			"weighed by `confidence`: the caller's to make.",
		infer.SigFrame: "Samples an embedded face. Called directly (not through a server that batches), the face may have the first dimension 1 and serves all N frames.",
		infer.SigBytes: "Drives files by files, each frame for itself: each string is a JPEG or PNG (also GIF or BMP, first picture) of any size, decoded and brought to the model's size by itself.",
	},
}

// purposeOf says what a signature of a family does.
func purposeOf(family model.FamilyName, signature string) string {
	if text, ok := otherPurposes[family][signature]; ok {
		return text
	}
	return purposes[signature]
}

// methods name what a family does.
var methods = map[model.FamilyName]string{
	model.MonkeyNetFamily: "by deep motion transfer (Monkey-Net)", model.X2FaceFamily: "by sampling an embedded face (X2Face)",
}

// methodOf is FOMM's where no other is known.
func methodOf(family model.FamilyName) string {
	if text, ok := methods[family]; ok {
		return text
	}
	return "by first order motion"
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
	fmt.Fprintf(&b, "# %s\n\nImage animation %s, exported by PriorityCut: preset %s, variant %s, step %d, weights %.16s.\n\n",
		name, methodOf(n.Family), n.Preset, n.Variant, n.Step, n.Digest)
	fmt.Fprintf(&b, "Pictures are float32 [N, %d, %d, 3] in [0, 1] (RGB). All inputs and outputs of a signature have the same first dimension N, which is open. "+
		"Weights are %s. Bilinear sampling has align_corners %v. The graph has TensorFlow's own operations only.\n\n%s\n",
		n.FrameShape[0], n.FrameShape[1], weights, n.AlignCorners, fitText(n, chosen))
	for _, s := range chosen.list {
		own := chosen.own(s.Name)
		purpose := purposeOf(n.Family, own)
		if own != s.Name {
			purpose = "Is `" + own + "` once more, for programs that see one signature only."
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| | tensor | type |\n|---|---|---|\n", s.Name, purpose)
		for _, part := range []struct {
			what  string
			specs map[string]savedmodel.TensorSpec
		}{{"in", s.Inputs}, {"out", s.Outputs}} {
			for _, key := range sortedSpecs(part.specs) {
				fmt.Fprintf(&b, "| %s | `%s` | %s |\n", part.what, key, strings.ReplaceAll(part.specs[key].String(), "[?", "[N"))
			}
		}
	}
	fmt.Fprintf(&b, "\n`%s` says the same to programs.\n", infer.NotesFile)
	return b.String()
}

// SignatureHelp says what each signature takes and does, for models of FOMM's
// networks; what is other in other families is named at the end.
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
	b.WriteString("\nmonkeynet: keypoints have a variance [N, K, 2, 2] in place of a jacobian; of a source skip_0, skip_1 ... are kept.\n" +
		"x2face: a pose is no keypoints. pose: image -> grid [N, H, W, 2] stands in place of keypoints; encode_source: source -> face, confidence; " +
		"animate_frame: face, driving_grid -> prediction; nothing takes driving_initial.\n")
	return b.String()
}
