package infer

import "testing"

func TestNotesOfOthers(t *testing.T) {
	good := Notes{FormatVersion: 1, FrameShape: [3]int{64, 64, 3}, Fit: "crop", NumKP: 5}
	for name, change := range map[string]func(*Notes){
		"newer":          func(n *Notes) { n.FormatVersion = 2 },
		"no version":     func(n *Notes) { n.FormatVersion = 0 },
		"huge pictures":  func(n *Notes) { n.FrameShape[0] = 1 << 30 },
		"grey pictures":  func(n *Notes) { n.FrameShape[2] = 1 },
		"another fit":    func(n *Notes) { n.Fit = "squash" },
		"keypoints":      func(n *Notes) { n.NumKP = -1 },
		"as they should": func(*Notes) {},
	} {
		n := good
		change(&n)
		if err := n.check(); (err == nil) != (name == "as they should") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadNotes(t.TempDir()); err == nil {
		t.Error("an empty folder has notes")
	}
}
