package dataset

import (
	"context"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/video"
)

// Report is what a data set looks like before it is trained on.
type Report struct {
	// Root is where it was found, How train and test were told apart.
	Root, How string
	// H and W are the sides of the pictures that the model will see.
	H, W int
	Fit  video.Fit
	// Train and Test describe the two parts.
	Train, Test Part
	// IDSampling tells whether the items of an epoch are identities, Items their
	// number without repeats.
	IDSampling bool
	Items      int
	// Broken are the videos that were found unreadable.
	Broken []Broken
	// Others are files among the videos that are none by their names.
	Others []string
	// Warnings are what looks like a mistake but is none for certain.
	Warnings []string
}

// Part describes the training or the test videos.
type Part struct {
	Videos, Folders, Films, Strips, Drawn int
	// Frames of all videos. Where About is set, some films only claim theirs.
	Frames int
	About  bool
	// Identities by the names, whether they are sampled or not.
	Identities int
	// Least and Most are the frames of the shortest and the longest video.
	Least, Most int
	// Sizes counts videos by the size of their frames as stored, "WxH".
	Sizes map[string]int

	filmFrames int // of Frames
}

// facts are what a look at one video found.
type facts struct {
	frames  int
	about   bool
	size    string
	warning string
}

// Check looks at every video of a set that was opened, closer than Open: it
// reads headers of first, middle and last pictures and what films say of
// themselves, but decodes nothing. What decoding alone shows (damage within)
// shows while training.
func (d *Dataset) Check(ctx context.Context) (*Report, error) {
	r := &Report{Root: d.params.RootDir, How: d.how, H: d.H(), W: d.W(), Fit: d.params.Fit,
		IDSampling: d.params.IDSampling, Items: len(d.items), Others: d.files.others}
	var err error
	if r.Train, err = d.checkPart(ctx, "train", d.train, d.files.train, r); err != nil {
		return nil, err
	}
	if r.Test, err = d.checkPart(ctx, "test", d.test, d.files.test, r); err != nil {
		return nil, err
	}
	r.Broken = d.Broken()
	d.warn(r)
	return r, nil
}

func (d *Dataset) checkPart(ctx context.Context, name string, clips []*clip, files []entry, r *Report) (Part, error) {
	byName := map[string]entry{}
	for _, e := range files {
		byName[e.name] = e
	}
	part := Part{Sizes: map[string]int{}}
	identities := map[string]bool{}
	var mu sync.Mutex
	pool, ctx := errgroup.WithContext(ctx)
	pool.SetLimit(d.params.workers())
	for _, c := range clips {
		pool.Go(func() error {
			e, isFile := byName[c.name]
			found, err := d.look(ctx, c, e, isFile)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				d.broken.note(filepath.Join(name, c.name), err)
				return nil
			}
			identities[identity(c.name)] = true
			part.add(e.kind, found)
			if found.warning != "" {
				r.Warnings = append(r.Warnings, filepath.Join(name, c.name)+": "+found.warning)
			}
			return nil
		})
	}
	err := pool.Wait()
	part.Identities = len(identities)
	return part, err
}

// look finds the facts about one video.
func (d *Dataset) look(ctx context.Context, c *clip, e entry, isFile bool) (facts, error) {
	limits := d.params.limits()
	if !isFile || d.files.single || e.kind != video.FilmFile {
		all, err := c.open(ctx)
		if err != nil {
			return facts{}, err
		}
		found := facts{frames: all.length(), size: fmt.Sprintf("%dx%d", d.W(), d.H())}
		if cut, ok := all.(*cutFrames); ok {
			all = cut.whole
		}
		if folder, ok := all.(*folderFrames); ok {
			return d.lookAtFolder(folder, found)
		}
		if e.kind == video.FilmFile {
			info, err := video.Probe(ctx, e.path, limits)
			if err != nil {
				return facts{}, err
			}
			found.size, found.warning = fmt.Sprintf("%dx%d", info.W, info.H), strings.Join(info.Remarks(), "; ")
		}
		return found, nil
	}
	info, err := video.Probe(ctx, e.path, limits)
	if err != nil {
		return facts{}, err
	}
	n := info.Frames
	if n == 0 {
		n = int(info.Rate*info.Duration.Seconds() + 0.5)
	}
	if n > limits.MaxFrames {
		return facts{}, fmt.Errorf("claims %d frames, more than %d (dataset_params.max_frames)", n, limits.MaxFrames)
	}
	return facts{frames: n, about: true, size: fmt.Sprintf("%dx%d", info.W, info.H), warning: strings.Join(info.Remarks(), "; ")}, nil
}

func (d *Dataset) lookAtFolder(f *folderFrames, found facts) (facts, error) {
	n := len(f.names)
	strips := 0
	for _, i := range []int{0, n / 2, n - 1} {
		w, h, err := video.PictureSize(filepath.Join(f.dir, f.names[i]), d.params.limits())
		if err != nil {
			return facts{}, err
		}
		if w%h == 0 && w/h > 2 {
			strips = h
		}
		size := fmt.Sprintf("%dx%d", w, h)
		if i != 0 && size != found.size {
			found.warning = fmt.Sprintf("its frames differ in size (%s and %s)", found.size, size)
		}
		found.size = size
	}
	if strips > 0 {
		found.warning = fmt.Sprintf("its pictures (%s) are taken for frames, and may be strips of frames side by side: those are told by frame_shape: [%d, %d, 3]", found.size, strips, strips)
	}
	return found, nil
}

func (p *Part) add(kind video.Kind, f facts) {
	switch kind {
	case video.Folder:
		p.Folders++
	case video.FilmFile:
		p.Films++
		p.filmFrames += f.frames
	case video.Strip:
		p.Strips++
	default:
		p.Drawn++
	}
	if p.Videos == 0 || f.frames < p.Least {
		p.Least = f.frames
	}
	p.Videos++
	p.Frames += f.frames
	p.Most = max(p.Most, f.frames)
	p.About = p.About || f.about
	p.Sizes[f.size]++
}

// warn adds what follows from the whole.
func (d *Dataset) warn(r *Report) {
	sort.Strings(r.Warnings)
	const few = 10
	if n := len(r.Warnings); n > few {
		r.Warnings = append(r.Warnings[:few], fmt.Sprintf("... and %d more of this kind", n-few))
	}
	say := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	if err := d.broken.verdict(); err != nil {
		say("%v", err)
	}
	if r.IDSampling && r.Train.Identities == r.Train.Videos && r.Train.Videos > 1 {
		say("id_sampling is on but every video is an identity of its own: names are expected as IDENTITY#ANYTHING")
	}
	if !r.IDSampling && r.Train.Identities < r.Train.Videos {
		say("names contain '#': %d videos of %d identities; id_sampling: true would draw identities evenly", r.Train.Videos, r.Train.Identities)
	}
	if r.Fit == video.Stretch {
		for size := range r.Train.Sizes {
			var w, h int
			if n, _ := fmt.Sscanf(size, "%dx%d", &w, &h); n == 2 && w*r.H != h*r.W {
				say("frames of %s pixels will be stretched to %dx%d; fit: crop or fit: pad keeps their aspect", size, r.W, r.H)
				break
			}
		}
	}
	if r.Train.Videos > 0 && r.Train.Most < 2 {
		say("no training video has more than one frame: there is no motion to learn")
	}
	if films := r.Train.filmFrames + r.Test.filmFrames; films > 0 && !d.files.single {
		need := float64(films) * float64(d.cache.frameBytes()) / (1 << 30)
		if need > d.params.CacheGB {
			say("the decoded films would need about %.1f GiB and cache_gb is %.3g: those beyond it are decoded each time they are drawn, which is slow; folders of png or jpg frames need no cache", need, d.params.CacheGB)
		}
	}
}

// String prints the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "data set %s (%s), fitted to %dx%d by %s\n", r.Root, r.How, r.W, r.H, r.Fit)
	for _, part := range []struct {
		name string
		Part
	}{{"train", r.Train}, {"test", r.Test}} {
		fmt.Fprintf(&b, "  %-5s %s\n", part.name, part.Part.String())
	}
	if r.IDSampling {
		fmt.Fprintf(&b, "  id_sampling: an epoch's items are %d identities (names before the first '#')\n", r.Items)
	} else {
		fmt.Fprintf(&b, "  an epoch's items are %d videos (id_sampling is off)\n", r.Items)
	}
	fmt.Fprintf(&b, "  broken: %d\n", len(r.Broken))
	for _, one := range r.Broken {
		fmt.Fprintf(&b, "    %s: %v\n", one.Name, one.Err)
	}
	if n := len(r.Others); n > 0 {
		const few = 5
		fmt.Fprintf(&b, "  left aside: %d, no videos by their names: %s", n, strings.Join(r.Others[:min(n, few)], ", "))
		if n > few {
			b.WriteString(", ...")
		}
		b.WriteByte('\n')
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "  warning: %s\n", w)
	}
	return b.String()
}

// String is one line of a report.
func (p Part) String() string {
	var kinds []string
	for _, k := range []struct {
		n    int
		what string
	}{{p.Folders, "folders"}, {p.Films, "films"}, {p.Strips, "strips"}, {p.Drawn, "drawn"}} {
		if k.n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %s", k.n, k.what))
		}
	}
	about := ""
	if p.About {
		about = "about "
	}
	return fmt.Sprintf("%d videos (%s) of %d identities, %s%d frames (%d to %d each), stored as %s",
		p.Videos, strings.Join(kinds, ", "), p.Identities, about, p.Frames, p.Least, p.Most, commonSizes(p.Sizes))
}

// commonSizes lists the most frequent sizes.
func commonSizes(sizes map[string]int) string {
	const few = 4
	var names []string
	for s := range sizes {
		names = append(names, s)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := names[i], names[j]
		return sizes[a] > sizes[b] || sizes[a] == sizes[b] && a < b
	})
	var out []string
	for i, s := range names {
		if i == few {
			out = append(out, fmt.Sprintf("%d other sizes", len(names)-few))
			break
		}
		out = append(out, fmt.Sprintf("%s (%d)", s, sizes[s]))
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ", ")
}
