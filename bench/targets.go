package main

import (
	"fmt"
	"math"
	"strings"
)

// verdict is how one number stands with its target.
type verdict struct {
	work, isa, ours, beside, theirs, ratio, target string
	hit, open                                      bool
}

func (v verdict) word() string {
	if v.open {
		return "not measured"
	}
	if v.hit {
		return "hit"
	}
	return "**missed**"
}

// target is a limit of a ratio to the quickest, or leanest, of a group.
type target struct {
	measure, preset string
	// of is what is compared; nil is the time.
	of    func(*Result) float64
	what  string
	group string
	limit float64
	// gpu says that it is for a GPU, where batches are as large as they fit.
	gpu bool
}

var targets = []target{
	{measureStep, vox, nil, "", groupPyTorch, 0.45, false},
	{measureStep, vox, peak, ", peak memory", groupPyTorch, 0.9, false},
	{measureFrame, vox, nil, "", groupPyTorch, 0.35, false},
	{measureFrame, vox, nil, "", groupEngines + ", " + wayWhole, 0.5, false},
	{measureFrame, vox, nil, "", groupEngines + ", " + waySplit, 0.6, false},
	{measureReconstruction, vox, nil, "", groupPyTorch, 0.35, false},
	{measureStep, shapes, nil, "", groupPyTorch, 0.35, false},
	{measureFrame, shapes, nil, "", groupPyTorch, 0.6, false},
	{measureStart, vox, nil, "", groupPyTorch, 0.25, false},
	{measureStep, vox, nil, ", on a GPU", groupPyTorch, 0.8, true},
}

// suits reports whether the target is for a case. Pictures of other sides than the
// preset's are for growth.
func (t target) suits(o *outcome) bool {
	return t.measure == o.job.Measure && t.preset == o.preset && t.gpu == o.gpu && o.size == 0 && (o.gpu || o.batch <= 2)
}

const (
	// convMean is the limit of the geometric mean over shapes, convWorst of each.
	convMean, convWorst = 0.45, 1.0
	// leastPSNR in decibels to the plain graph.
	leastPSNR = 80
	// pixelsUp and pixelsDown are limits of the time per pixel at 512 and at 128
	// over that at 256, pairsUp of the time per pair over that at batch 1.
	pixelsUp, pixelsDown, pairsUp = 1.1, 2.0, 1.0
)

// verdicts are all that can be judged of what was measured.
func verdicts(all []*outcome) []verdict {
	var list []verdict
	for _, o := range all {
		if len(o.ours()) == 0 {
			continue
		}
		for _, t := range targets {
			if t.suits(o) {
				list = append(list, t.judge(o)...)
			}
		}
		switch o.job.Measure {
		case measureConv:
			list = append(list, judgeConv(o)...)
		case measureFidelity:
			list = append(list, judgeFidelity(o))
		}
		list = append(list, judgeGrowth(all, o)...)
	}
	return list
}

// judge compares with the best of the group. One of which nobody was measured,
// though somebody was to be, stays open.
func (t target) judge(o *outcome) []verdict {
	of, show := clock, seconds
	if t.of != nil {
		of, show = func(r []*Result) float64 { return median(each(r, t.of)) }, megabytes
	}
	var best turn
	least, wanted := math.Inf(1), false
	for _, other := range o.turns {
		wanted = wanted || other.group() == t.group
		if r := o.results[other]; len(r) > 0 && other.group() == t.group && of(r) < least {
			best, least = other, of(r)
		}
	}
	value := of(o.ours())
	if math.IsInf(least, 1) {
		if !wanted {
			return nil
		}
		return []verdict{{work: o.work() + t.what, isa: o.isa, ours: show(value), beside: t.group, target: fmt.Sprintf("<= %.2f", t.limit), open: true}}
	}
	text := fmt.Sprintf("**%.2f**", value/least)
	if t.of == nil {
		text = spread(o.ours(), o.results[best])
	}
	return []verdict{{
		work: o.work() + t.what, isa: o.isa, ours: show(value), beside: best.String(), theirs: show(least), ratio: text,
		target: fmt.Sprintf("<= %.2f", t.limit), hit: value/least <= t.limit,
	}}
}

// work is the case's name without its instructions.
func (o *outcome) work() string {
	name, _ := strings.CutSuffix(o.name(), ", "+isaNames[o.isa])
	return name
}

func judgeConv(o *outcome) []verdict {
	own, theirs := parts(o.ours()), parts(o.results[turn{side: "tensorflow"}])
	if len(own) == 0 || len(own) != len(theirs) {
		return nil
	}
	logs, worst, at := 0.0, 0.0, ""
	for i, p := range own {
		r := p.Seconds / theirs[i].Seconds
		logs += math.Log(r)
		if r > worst {
			worst, at = r, p.Name
		}
	}
	mean := math.Exp(logs / float64(len(own)))
	v := verdict{work: o.work() + ", geometric mean of the shapes", isa: o.isa, beside: "oneDNN in TensorFlow", ratio: fmt.Sprintf("**%.2f**", mean),
		target: fmt.Sprintf("<= %.2f", convMean), hit: mean <= convMean}
	w := v
	w.work, w.ratio = o.work()+", the worst: "+at, fmt.Sprintf("**%.2f**", worst)
	w.target, w.hit = fmt.Sprintf("<= %.2f", convWorst), worst <= convWorst
	return []verdict{v, w}
}

func judgeFidelity(o *outcome) verdict {
	least := math.Inf(1)
	for _, r := range o.ours() {
		least = min(least, r.PSNR)
	}
	return verdict{work: "a frame's PSNR to the plain graph, " + o.preset, isa: o.isa, ours: fmt.Sprintf("%.1f dB", least), beside: "TensorFlow's operations",
		target: fmt.Sprintf(">= %d dB", leastPSNR), hit: least >= leastPSNR}
}

// judgeGrowth compares a case with the same one at the preset's size, or at
// batch 1.
func judgeGrowth(all []*outcome, o *outcome) []verdict {
	v := verdict{work: o.work(), isa: o.isa, beside: "ours at batch 1"}
	limit, what, base := pairsUp, ", time per pair", (*outcome)(nil)
	unit := func(o *outcome) float64 { return float64(o.job.Pictures) }
	switch {
	case o.job.Measure == measureFrame && o.size > 0:
		unit = func(o *outcome) float64 { return float64(o.height*o.width) / (1 << 20) }
		limit, what = pixelsUp, ", time per million pixels"
		base = find(all, func(c *outcome) bool {
			return c.job.Measure == measureFrame && c.size == 0 && c.preset == o.preset && c.isa == o.isa
		})
	case o.job.Measure == measureStep && o.batch > 1:
		base = find(all, func(c *outcome) bool {
			return c.job.Measure == measureStep && c.job.Pictures == 1 && c.preset == o.preset && c.variant == o.variant && c.isa == o.isa
		})
	}
	if base == nil {
		return nil
	}
	if o.size > 0 {
		v.beside = fmt.Sprintf("ours at %dx%d", base.width, base.height)
		if o.size < base.width {
			limit = pixelsDown
		}
	}
	a, b := clock(o.ours())/unit(o), clock(base.ours())/unit(base)
	v.work += what
	v.ours, v.theirs, v.ratio, v.target, v.hit = seconds(a), seconds(b), fmt.Sprintf("**%.2f**", a/b), fmt.Sprintf("<= %.2f", limit), a/b <= limit
	return []verdict{v}
}

func find(all []*outcome, is func(*outcome) bool) *outcome {
	for _, o := range all {
		if len(o.ours()) > 0 && is(o) {
			return o
		}
	}
	return nil
}
