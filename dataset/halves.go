package dataset

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/video"
)

// The folders of a data set whose two halves are told apart by its owner.
const (
	trainFolder = "train"
	testFolder  = "test"
)

// halves tells whether a root is divided into train and test, and refuses what
// looks like it and is not. A test folder alone is enough to measure.
func halves(root string, p Params) (divided bool, err error) {
	train := isDir(filepath.Join(root, trainFolder))
	test := isDir(filepath.Join(root, testFolder))
	if !train && !isSet(filepath.Join(root, testFolder), p) {
		return false, misspelt(root, p)
	}
	if train && test {
		return true, nil
	}
	beside, err := videosBeside(root)
	if err != nil {
		return false, err
	}
	switch {
	case train && beside == "":
		return false, fmt.Errorf("data set %s has a folder train but no folder test: add it, or put all videos into one folder to have a fifth of them split off", root)
	case train:
		return false, fmt.Errorf("data set %s has a folder train but no folder test, and %s beside it: call what is to be measured test, or put all videos into one folder to have a fifth of them split off", root, beside)
	case beside != "":
		return false, fmt.Errorf("data set %s has a folder test but no folder train, and %s beside it: what is to be trained on belongs into a folder train", root, beside)
	}
	return true, nil
}

// isSet tells a folder of videos from one of frames, which is a video itself.
func isSet(dir string, p Params) bool {
	entries, err := localfile.ReadDir(dir)
	if err != nil {
		return false
	}
	var pictures []entry
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		switch kind := video.KindOf(e.Name(), isDir(path)); kind {
		case video.Folder, video.FilmFile:
			return true
		case video.Strip:
			pictures = append(pictures, entry{e.Name(), path, kind})
		}
	}
	return len(pictures) > 0 && anyStrip(pictures, p)
}

// videosBeside names the first thing in a root that is neither train nor test and
// would be a video; empty if there is none.
func videosBeside(root string) (string, error) {
	entries, err := localfile.ReadDir(root)
	if err != nil {
		return "", fmt.Errorf("data set: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		if name != trainFolder && name != testFolder && !strings.HasPrefix(name, ".") &&
			video.KindOf(name, isDir(filepath.Join(root, name))) != video.Unknown {
			return name, nil
		}
	}
	return "", nil
}

// misspelt refuses halves whose names have capitals.
func misspelt(root string, p Params) error {
	entries, err := localfile.ReadDir(root)
	if err != nil {
		return fmt.Errorf("data set: %w", err)
	}
	for _, e := range entries {
		for _, half := range []string{trainFolder, testFolder} {
			if e.Name() != half && strings.EqualFold(e.Name(), half) && isSet(filepath.Join(root, e.Name()), p) {
				return fmt.Errorf("data set %s: its folder %s must be called %s, in small letters, to be taken for that half", root, e.Name(), half)
			}
		}
	}
	return nil
}

// CanTrain says why a set, which is enough to measure a model, is none to train
// on.
func (d *Dataset) CanTrain() error {
	if len(d.train) > 0 {
		return nil
	}
	root := d.params.RootDir
	return fmt.Errorf("data set %s has a folder test but no folder train: models can be measured on it, not trained; put videos into %s, or name %s to have a fifth of its videos split off",
		root, filepath.Join(root, trainFolder), filepath.Join(root, testFolder))
}

// noVideo says that a folder holds no video, and what it holds instead.
func noVideo(dir string, others []string) error {
	if len(others) == 0 {
		return fmt.Errorf("data set: folder %s holds no video, it is empty: a folder of png or jpg frames, a film (mp4, mov, webm, gif, ...) or a strip (png, jpg) is one", dir)
	}
	// Of many files of one kind and a note about them the many count.
	example, most := "", 0
	first, count := map[string]string{}, map[string]int{}
	for _, name := range others {
		ending := strings.ToLower(filepath.Ext(name))
		if count[ending]++; count[ending] == 1 {
			first[ending] = name
		}
		if count[ending] > most {
			example, most = first[ending], count[ending]
		}
	}
	return fmt.Errorf("data set: folder %s holds no video, only %d other files: %w", dir, len(others), video.NoVideo(filepath.Join(dir, example)))
}

// tooHigh explains a folder that holds nothing but folders of folders, as
// collections are handed out: PERSON/VIDEO/1.mp4; or one data set.
func tooHigh(dir string, videos []entry, p Params) error {
	const looks = 8
	for i, e := range videos {
		if e.kind != video.Folder {
			return nil
		}
		if i < looks {
			if _, err := video.ListFrames(e.path, video.Limits{MaxFrames: math.MaxInt}); err == nil {
				return nil
			}
		}
	}
	for _, e := range videos[:min(looks, len(videos))] {
		if isDir(filepath.Join(e.path, trainFolder)) || isSet(filepath.Join(e.path, testFolder), p) {
			return fmt.Errorf("data set: folder %s holds no video itself; %s is a data set: name that", dir, e.path)
		}
	}
	what, below := "films lie", video.FilmBelow(dir)
	if below == "" {
		what, below = "frames lie", video.FrameBelow(dir)
	}
	if below == "" {
		return nil
	}
	return fmt.Errorf("data set: folder %s holds no video itself; %s deeper, such as %s: one folder of videos is made of them by %s", dir, what, below, usage.Call("prepare", "in="+branching(dir), "out=FOLDER"))
}

// branching goes down from a folder as long as it holds nothing but one folder.
func branching(dir string) string {
	for {
		entries, err := localfile.ReadDir(dir)
		if err != nil || len(entries) != 1 || !entries[0].IsDir() {
			return dir
		}
		dir = filepath.Join(dir, entries[0].Name())
	}
}
