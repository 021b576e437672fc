package evaluate

import "time"

// DetectorTime is how long a detector looked at frames, those of this call.
type DetectorTime struct {
	// What it finds, and which model it is.
	Kind, Model string
	// Frames are all pictures that it looked at, real and predicted ones.
	Frames int
	// PerFrame is the mean time of one.
	PerFrame time.Duration
}

// detectorTimes are those of all detectors that looked at a frame.
func (e *evaluation) detectorTimes() []DetectorTime {
	var out []DetectorTime
	seen := map[*detector]bool{}
	for _, source := range []any{e.keypoints.real, e.keypoints.generated, e.embeddings.real, e.embeddings.generated, e.saliency.model} {
		d, ok := source.(*detector)
		if !ok || d == nil || seen[d] || d.looked == 0 {
			continue
		}
		seen[d] = true
		out = append(out, DetectorTime{d.kind.String(), baseName(d.path), d.looked, d.spent / time.Duration(d.looked)})
	}
	return out
}
