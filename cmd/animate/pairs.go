package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/animate/pairs"
	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/video"
)

// configuredPairs is the value of a --pairs without one: the configuration's own.
const configuredPairs = "own"

// runPairs animates pairs of test videos: the first frame of one, after all
// frames of the other.
func (p *program) runPairs(ctx context.Context, a *animator) error {
	motion, err := p.motion(a)
	if err == nil {
		err = p.takesSources(a, p.sourceFrames)
	}
	if err != nil {
		return err
	}
	if err := p.checkMarks(a); err != nil {
		return err
	}
	set, err := p.testSet(ctx, a)
	if err != nil {
		return err
	}
	videos := map[string]dataset.TestVideo{}
	var names []string
	for _, v := range set.Test() {
		videos[v.Name()] = v
		names = append(names, v.Name())
	}
	chosen, err := p.choosePairs(a, names)
	if err != nil {
		return cli.Usage(err)
	}
	dir := p.pairsDir(a.path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return cli.Usage(err)
	}
	origin := pairsOrigin{Model: a.identity(), Data: p.pairsData(a), Motion: motion, Fit: string(p.fitOf(a)), Rate: p.fps, OwnRate: p.fps == "", SideBySide: p.sideBySide || p.marked, Keypoints: p.marked}
	if p.sourceFrames > 1 {
		origin.SourceFrames = p.sourceFrames
	}
	if err := origin.claim(dir); err != nil {
		return cli.Usage(err)
	}
	done := 0
	results := pairs.FileNames(chosen)
	for i, pair := range chosen {
		path := filepath.Join(dir, results[i]+p.pairExtension())
		if _, err := os.Stat(path); err == nil {
			done++
			continue
		}
		fmt.Fprintf(p.Out(), "pair %d of %d: %s\n", i+1, len(chosen), filepath.Base(path))
		err := p.animatePair(ctx, a, motion, videos[pair.Source], videos[pair.Driving], path)
		if errors.Is(err, context.Canceled) {
			fmt.Fprintf(p.Out(), "stopped after %d of %d pairs: the same command goes on\n", i, len(chosen))
			return nil
		}
		if err != nil {
			return fmt.Errorf("pair of source %s and driving %s: %w", pair.Source, pair.Driving, err)
		}
	}
	fmt.Fprintf(p.Out(), "%s: %d pairs", dir, len(chosen))
	if done > 0 {
		fmt.Fprintf(p.Out(), ", %d of them done before", done)
	}
	fmt.Fprintln(p.Out())
	cli.Next(p.Out(), cli.View(dir, "see them"))
	return nil
}

// choosePairs takes all of the CSV that the flag names, or as many as the
// configuration says of its own CSV, or at random.
func (p *program) choosePairs(a *animator, names []string) ([]pairs.Pair, error) {
	list, most := p.pairs, math.MaxInt
	if list == configuredPairs {
		if list, most = "", 50; a.config != nil {
			list, most = a.config.Dataset.PairsList, a.config.Animate.NumPairs
		}
	}
	if list == "" {
		return pairs.Random(names, most, 0), nil
	}
	chosen, dropped, err := pairs.Read(list, names)
	if err != nil {
		return nil, err
	}
	if dropped > 0 {
		p.warn(fmt.Sprintf("%d pairs of %s are dropped: their videos are not in the test set", dropped, list))
	}
	if len(chosen) > most {
		p.warn(fmt.Sprintf("the first %d of %d pairs of %s are animated (num_pairs of the configuration; --pairs=%s takes all)", most, len(chosen), list, list))
		chosen = chosen[:most]
	}
	return chosen, nil
}

// pairsData is where the test videos come from.
func (p *program) pairsData(a *animator) string {
	if p.data != "" || a.config == nil {
		return p.data
	}
	return a.config.Dataset.RootDir
}

// testSet opens the test videos: the run's own, or those of --data.
func (p *program) testSet(ctx context.Context, a *animator) (*dataset.Dataset, error) {
	c := a.config
	if c == nil {
		var err error
		h, w := a.Size()
		c, _, err = config.Resolve(config.Options{
			Data: p.data, AllowMissing: true,
			Sets: []string{fmt.Sprintf("frame_shape=[%d,%d,3]", h, w)},
		})
		if err != nil {
			return nil, cli.Usage(err)
		}
	}
	if p.data != "" {
		c.Dataset.RootDir = p.data
	}
	c.Dataset.Fit = p.fitOf(a)
	set, err := named.OpenOfModel(ctx, c.Dataset)
	if err != nil {
		return nil, usage.WrapUnless(ctx, err)
	}
	if len(set.Test()) == 0 {
		return nil, cli.Usage(fmt.Errorf("%s holds no test video", c.Dataset.RootDir))
	}
	return set, nil
}

func (p *program) pairsDir(run string) string {
	const name = "animation"
	switch {
	case p.out != "":
		return p.out
	case rundir.Dir(run).Is():
		return filepath.Join(run, name)
	}
	return name
}

// pairExtension is that of the results' names; folders of frames have none.
func (p *program) pairExtension() string {
	if p.format == "png" {
		return ""
	}
	return "." + p.format
}

func (p *program) animatePair(ctx context.Context, a *animator, m animate.Motion, source, driving dataset.TestVideo, path string) error {
	sources, err := p.sourcesOf(ctx, source)
	if err != nil {
		return err
	}
	paced := dataset.Paced{Rate: p.fps, Open: driving.Open}
	if p.fps != "" {
		paced.Frames, err = driving.Len(ctx)
	} else {
		paced, err = driving.Paced(ctx)
	}
	if err != nil {
		return err
	}
	job := animate.Job{Source: sources[0], Further: sources[1:], Driving: paced.Open, Frames: paced.Frames, Fit: p.fitOf(a), Motion: m, Warn: p.pairWarning(path)}
	w, h, err := p.compare(a, &job)
	if err != nil {
		return err
	}
	var sink video.Writer
	if p.format == "png" {
		sink, err = video.CreateFrames(path, w, h)
	} else {
		sink, err = video.CreateFilm(ctx, path, w, h, video.FilmOptions{Rate: paced.Rate})
	}
	if err != nil {
		return err
	}
	defer sink.Abort()
	if _, err = p.animate(ctx, a, job, sink); err != nil {
		return err
	}
	return sink.Close()
}

func (p *program) pairWarning(path string) func(string) {
	return func(text string) { p.warn(strings.TrimSuffix(filepath.Base(path), p.pairExtension()) + ": " + text) }
}
