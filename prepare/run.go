package prepare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/usage"
)

// Run prepares a data set. A *usage.Error means that nothing was begun. When ctx
// ends, what is half done is removed, what is done stays, and the error is that
// of the context. The report is there whenever the data set is complete.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, usage.Wrap(err)
	}
	if o.Progress == nil {
		o.Progress = quiet{}
	}
	if o.Files == nil {
		o.Files = durable.OS{}
	}
	if o.create == nil {
		o.create = func(path string) (io.WriteCloser, error) { return o.Files.Create(path) }
	}
	if o.pause == 0 {
		o.pause = time.Second
	}
	if o.looked == 0 {
		o.looked = maxLooked
	}
	if o.Limits.MaxFrames < 1 {
		o.Limits.MaxFrames = maxFilm
	}
	o.Limits = o.Limits.OrDefault()
	if _, err := os.Stat(o.In); err != nil {
		return nil, usage.Wrap(fmt.Errorf("`in`: %w", err))
	}
	if err := needTools(); err != nil {
		return nil, usage.Wrap(err)
	}
	pl := &planner{o: &o, scans: &scans{options: &o}}
	if o.Crop == CropKeypoints {
		d, err := openDetector(o.Checkpoint)
		if err != nil {
			return nil, usage.Wrap(fmt.Errorf("`checkpoint`: %w", err))
		}
		defer d.close()
		pl.scans.detector, pl.scans.model = d, d.digest
	}
	m, err := readManifest(o.Out, parameters(&o, pl.scans.model))
	if err != nil {
		return nil, err
	}
	if o.DryRun {
		return dryRun(ctx, pl, m)
	}
	return run(ctx, pl, m)
}

// needTools stops early: without ffmpeg every film would count as broken.
func needTools() error {
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is not in PATH (Debian, Ubuntu: apt-get install ffmpeg)", tool)
		}
	}
	return nil
}

// dryRun makes a plan and keeps nothing.
func dryRun(ctx context.Context, pl *planner, m *manifest) (*Report, error) {
	dir, err := os.MkdirTemp("", "prepare-*")
	if err != nil {
		return nil, err
	}
	defer removeAll(dir)
	pl.scans.dir = dir
	p, err := pl.make(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.refuseVanished(p); err != nil {
		return nil, err
	}
	for _, c := range p.clips {
		m.done[c.spec()] = done{Clip: c.file(pl.o.Format), Spec: c.spec(), Video: c.in.name, Frames: c.frames(), Note: c.note}
	}
	return newReport(pl.o, p, m)
}

func run(ctx context.Context, pl *planner, m *manifest) (report *Report, err error) {
	o := pl.o
	m.files = o.Files
	w := &writer{o: o, manifest: m, slots: make(chan struct{}, o.workers()), patience: patience.New(o.MaxFailedWrites, patience.Setting, "what is done is kept")}
	pl.scans.insist = w.insist
	state := w.path(stateName)
	pl.scans.dir = filepath.Join(state, "scans")
	if err := w.makeFolders(state, pl.scans.dir, filepath.Join(state, "written")); err != nil {
		return nil, err
	}
	locked, err := lock(state)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, locked.Unlock()) }()
	// Another run may have ended while this one waited to begin.
	if again, err := readManifest(o.Out, m.header.Parameters); err != nil {
		return nil, err
	} else {
		again.files = o.Files
		w.manifest, m = again, again
	}
	w.sweep()
	defer removeAll(w.temp())

	p, err := pl.make(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.refuseVanished(p); err != nil {
		return nil, err
	}
	if err := w.makeFolders(w.temp(), w.path(train), w.path(test), w.path(stripsName)); err != nil {
		return nil, err
	}
	if err := w.insist("the manifest", m.open); err != nil {
		return nil, err
	}
	defer m.close()
	w.compare = p.compare
	left, err := w.adopt(p.clips)
	if err != nil {
		return nil, err
	}
	if err := w.makeAll(ctx, p.clips, left); err != nil {
		return nil, err
	}
	if err := w.insist("the manifest", func() error { return w.forget(p.clips) }); err != nil {
		return nil, err
	}
	// A report of a data set that cannot be used says why.
	report, unusable := newReport(o, p, m)
	if report == nil {
		return nil, unusable
	}
	if report.Strangers, err = w.strangers(); err != nil {
		return nil, outputError(err)
	}
	if err := w.insist("the report", func() error { return report.write(w) }); err != nil {
		return nil, err
	}
	return report, unusable
}

// insist writes what there is no later moment for.
func (w *writer) insist(what string, write func() error) error {
	return outputError(w.patience.Insist(what, w.o.pause, write))
}

func (w *writer) makeFolders(list ...string) error {
	for _, dir := range list {
		if err := w.insist("a folder", func() error { return w.o.Files.MkdirAll(dir) }); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes what a killed run left half written.
func (w *writer) sweep() {
	removeAll(w.temp())
	for _, dir := range []string{w.o.Out, w.path(stripsName), w.path(stateName, "scans"), w.path(stateName, "written")} {
		entries, err := localfile.ReadDir(dir)
		if err != nil {
			continue // not there yet, or reported when it is written to
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".part-") || strings.HasPrefix(e.Name(), ".") && strings.Contains(e.Name(), ".tmp-") {
				removeAll(filepath.Join(dir, e.Name()))
			}
		}
	}
}

// refuseVanished reports clips whose videos are no longer among the inputs: to
// remove them unasked could lose what cannot be made again.
func (m *manifest) refuseVanished(p *plan) error {
	there := map[string]bool{}
	for _, in := range p.inputs {
		there[in.name] = true
	}
	gone := map[string]bool{}
	for _, d := range m.done {
		// A file of cuts need not name a video any more; one that it names has
		// to be there.
		if d.Clip != "" && !there[d.Video] && (m.header.Parameters["cuts"] == "no" || p.missing[d.Video] || p.missing[stem(d.Video)]) {
			gone[d.Video] = true
		}
	}
	if len(gone) == 0 {
		return nil
	}
	names := make([]string, 0, len(gone))
	for name := range gone {
		names = append(names, name)
	}
	sort.Strings(names)
	return usage.Wrap(fmt.Errorf("`out` holds clips of %d videos that are no longer below `in`, such as %s: bring them back, or name another `out`", len(names), names[0]))
}

// adopt finds the clips that an earlier run made, moves those that belong to
// the other side now, and returns what is left to make.
func (w *writer) adopt(clips []*clip) (left []*clip, err error) {
	moves := map[string]string{}
	for _, c := range clips {
		d, ok := w.manifest.of(c.spec())
		if !ok || w.compare && (d.Dropped == "" || d.Twin) && !w.hasWritten(c) {
			left = append(left, c)
			continue
		}
		if d.Dropped != "" {
			continue
		}
		if size, err := bytesOf(w.path(filepath.FromSlash(d.Clip))); err != nil || size != d.Bytes {
			left = append(left, c) // changed or removed by somebody else
			continue
		}
		if d.Clip != c.file(w.o.Format) {
			moves[d.Clip] = c.spec()
		}
	}
	if len(moves) == 0 {
		return left, nil
	}
	return left, w.move(clips, moves)
}

// move renames clips and their strips: all of them aside first, since one may
// take the name of another. Each call is tried again where it fails.
func (w *writer) move(clips []*clip, moves map[string]string) error {
	byFile := map[string]*clip{}
	for _, c := range clips {
		byFile[c.spec()] = c
	}
	strip := func(file string) string {
		return w.path(stripsName, strings.TrimSuffix(filepath.Base(file), ".mp4")+".jpg")
	}
	for file, spec := range moves {
		if err := w.rename(w.path(filepath.FromSlash(file)), w.temp(spec)); err != nil {
			return err
		}
		if err := w.renameStrip(strip(file), w.temp(spec+".jpg")); err != nil {
			return err
		}
	}
	for _, spec := range moves {
		c := byFile[spec]
		place := w.path(filepath.FromSlash(c.file(w.o.Format)))
		if err := w.insist(movedClips, func() error { return w.o.Files.RemoveAll(place) }); err != nil {
			return err
		}
		if err := w.rename(w.temp(spec), place); err != nil {
			return err
		}
		if err := w.renameStrip(w.temp(spec+".jpg"), strip(place)); err != nil {
			return err
		}
		d, _ := w.manifest.of(spec)
		d.Clip = c.file(w.o.Format)
		if err := w.insist("the manifest", func() error { return w.manifest.add(d) }); err != nil {
			return err
		}
	}
	return nil
}

// movedClips names what is moved, when that fails.
const movedClips = "clips that move to the other side"

func (w *writer) rename(from, to string) error {
	return w.insist(movedClips, func() error { return w.o.Files.Rename(from, to) })
}

// renameStrip renames a strip of thumbnails, which may be gone.
func (w *writer) renameStrip(from, to string) error {
	if _, err := os.Lstat(from); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return w.rename(from, to)
}

func (w *writer) removeClip(file string) error {
	base := strings.TrimSuffix(filepath.Base(file), ".mp4")
	return errors.Join(w.o.Files.RemoveAll(w.path(filepath.FromSlash(file))), w.o.Files.RemoveAll(w.path(stripsName, base+".jpg")))
}

// forget removes clips that the input does not ask for any more (a video was
// changed, a line taken out) and writes the manifest in order.
func (w *writer) forget(clips []*clip) error {
	specs, files := map[string]bool{}, map[string]bool{}
	for _, c := range clips {
		specs[c.spec()] = true
		files[c.file(w.o.Format)] = true
	}
	for spec, d := range w.manifest.done {
		if specs[spec] {
			continue
		}
		if d.Clip != "" && !files[d.Clip] {
			if err := w.removeClip(d.Clip); err != nil {
				return err
			}
		}
		removeAll(w.path(stateName, "written", spec))
	}
	return w.manifest.rewrite(specs)
}

// strangers lists what stands in train and test and is not of this run's
// making: it will be trained on as well.
func (w *writer) strangers() ([]string, error) {
	ours := map[string]bool{}
	for _, d := range w.manifest.done {
		ours[d.Clip] = true
	}
	var all []string
	for _, side := range []string{train, test} {
		entries, err := localfile.ReadDir(w.path(side))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if file := side + "/" + e.Name(); !ours[file] && !strings.HasPrefix(e.Name(), ".") {
				all = append(all, file)
			}
		}
	}
	return all, nil
}
