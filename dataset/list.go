package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/video"
)

// entry is a video of a layout before anything of it was decoded.
type entry struct {
	name string // unique within its folder
	path string
	kind video.Kind
}

// layout is what a root folder holds.
type layout struct {
	train, test []entry // sorted by name
	// single: train and test are the same one video, to be cut in time.
	single bool
	// how says in words how train and test were told apart.
	how string
	// others are names of files that are no videos, below the root.
	others []string
}

// identity is the part of a name before the first '#'; the whole name if there
// is none, so that names that merely begin alike stay apart.
func identity(name string) string {
	id, _, _ := strings.Cut(name, "#")
	return id
}

// listLayout reads the names below the root and splits them.
func listLayout(p Params) (layout, error) {
	info, err := os.Stat(p.RootDir)
	if err != nil {
		return layout{}, fmt.Errorf("data set: %w (name a folder of videos, one video, or sample:talking-head)", err)
	}
	if !info.IsDir() {
		kind, err := video.KindAt(p.RootDir)
		if err != nil {
			return layout{}, fmt.Errorf("data set: %w", err)
		}
		if kind == video.Unknown {
			return layout{}, fmt.Errorf("data set %s is neither a folder nor a film (mp4, mov, webm, gif, ...) nor a strip (png, jpg)", p.RootDir)
		}
		return singleLayout(entry{filepath.Base(p.RootDir), p.RootDir, kind}), nil
	}
	if divided, err := halves(p.RootDir, p); err != nil {
		return layout{}, err
	} else if divided {
		return listTrainTest(p)
	}
	entries, others, err := listVideos(p.RootDir, p)
	if err != nil {
		return layout{}, err
	}
	var l layout
	if len(entries) == 1 {
		l = singleLayout(entries[0])
	} else {
		l = split(entries, p.IDSampling)
	}
	l.others = others
	return l, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func singleLayout(e entry) layout {
	return layout{train: []entry{e}, test: []entry{e}, single: true,
		how: "one video: its first 80 % train, its last 20 % test"}
}

func listTrainTest(p Params) (layout, error) {
	l := layout{how: "folders train and test"}
	if !isDir(filepath.Join(p.RootDir, trainFolder)) {
		l.how = "a folder test alone"
	}
	for _, part := range []struct {
		name   string
		videos *[]entry
	}{{trainFolder, &l.train}, {testFolder, &l.test}} {
		if !isDir(filepath.Join(p.RootDir, part.name)) {
			continue
		}
		videos, others, err := listVideos(filepath.Join(p.RootDir, part.name), p)
		if err != nil {
			return layout{}, err
		}
		*part.videos = videos
		for _, name := range others {
			l.others = append(l.others, filepath.Join(part.name, name))
		}
	}
	return l, nil
}

// listVideos returns the videos directly in a folder and the names of what else
// is there, but for hidden files. A folder of nothing but pictures that are no
// strips is one video.
func listVideos(dir string, p Params) (videos []entry, others []string, err error) {
	files, err := localfile.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("data set: %w", err)
	}
	onlyPictures := true
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		if strings.HasPrefix(f.Name(), ".") {
			continue
		}
		// Not f.IsDir(): links to folders count as folders.
		folder := f.IsDir() || f.Type()&os.ModeSymlink != 0 && isDir(path)
		kind := video.KindOf(f.Name(), folder)
		if kind == video.Unknown {
			others = append(others, f.Name())
			continue
		}
		onlyPictures = onlyPictures && kind == video.Strip
		videos = append(videos, entry{f.Name(), path, kind})
	}
	if len(videos) == 0 {
		return nil, nil, noVideo(dir, others)
	}
	if err := tooHigh(dir, videos, p); err != nil {
		return nil, nil, err
	}
	sort.Slice(videos, func(i, j int) bool { return videos[i].name < videos[j].name })
	if onlyPictures && !anyStrip(videos, p) {
		return []entry{{filepath.Base(dir), dir, video.Folder}}, others, nil
	}
	return videos, others, nil
}

// anyStrip looks at the first few readable pictures: two or more frames side
// by side make a strip.
func anyStrip(pictures []entry, p Params) bool {
	const looks = 8
	h, w := p.FrameShape[0], p.FrameShape[1]
	readable := 0
	for _, e := range pictures {
		gotW, gotH, err := video.PictureSize(e.path, p.limits())
		if err != nil {
			continue
		}
		if gotH == h && gotW%w == 0 && gotW/w >= 2 {
			return true
		}
		if readable++; readable == looks {
			return false
		}
	}
	return readable == 0
}

func (p Params) limits() video.Limits {
	return video.Limits{MaxPixels: p.MaxPixels, MaxFrames: p.MaxFrames, PixelsBy: "dataset_params.max_pixels", FramesBy: "dataset_params.max_frames"}
}

// split draws a fifth (rounded up) as the test set: of the identities if those
// are the items, so that nobody is in both, else of the videos. The draw
// depends on nothing but the sorted names' number.
func split(entries []entry, byIdentity bool) layout {
	key := func(e entry) string { return e.name }
	how := "a random fifth of the videos is the test set"
	if byIdentity && len(groups(entries)) > 1 {
		key = func(e entry) string { return identity(e.name) }
		how = "a random fifth of the identities is the test set"
	}
	var keys []string
	seen := map[string]bool{}
	for _, e := range entries {
		if k := key(e); !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	const seed = 0 // always: the test set must not move with the run's seed
	perm := random.New(seed, random.Label("split")).Perm(len(keys))
	test := map[string]bool{}
	for _, i := range perm[:(len(keys)+4)/5] {
		test[keys[i]] = true
	}
	l := layout{how: how}
	for _, e := range entries {
		if test[key(e)] {
			l.test = append(l.test, e)
		} else {
			l.train = append(l.train, e)
		}
	}
	return l
}

// groups collects the indices of entries by identity, in the order of names.
func groups(entries []entry) [][]int {
	index := map[string]int{}
	var all [][]int
	for i, e := range entries {
		id := identity(e.name)
		g, ok := index[id]
		if !ok {
			g = len(all)
			index[id] = g
			all = append(all, nil)
		}
		all[g] = append(all[g], i)
	}
	return all
}
