package main

// The presets that the whole comparison measures.
const (
	vox    = "vox-256"
	shapes = "shapes-64"
)

// The ways of PyTorch that the whole comparison tries. Compilers take minutes, so
// that the newest alone is asked for theirs.
var (
	stepWays  = []string{wayEager, partLean, partChannelsLast + "+" + partLean, partCompile + "+" + partLean + newestAlone}
	frameWays = []string{wayEager, partChannelsLast, partJIT, partCompile + newestAlone}
)

// slowerInFull is how many times the quickest's time another way may take to be
// asked again in the next round.
const slowerInFull = 1.15

// Sides of cases that not everybody takes part in: of growth ours alone, and all
// but TensorFlow's own operations where time is short.
var (
	nobody    = []string{}
	strangers = rivalNames()[1:]
)

// newestAlone says of a way that it is for one version only.
const newestAlone = "@pytorch-2.15"

// The whole comparison, ordered so that what matters most is done first if it
// is cut short: convolutions, frames and steps at 256x256 with the processor's
// best instructions, then with AVX2, then everything else, and growth over the
// batch last.
func fullStages(isas []string) [][]stage {
	var groups [][]stage
	for _, isa := range isas {
		groups = append(groups,
			[]stage{
				{measure: measureConv, preset: vox, isa: isa, warmup: 2, repeats: 5},
				{measure: measureFrame, preset: vox, isa: isa, ways: frameWays, warmup: 2, repeats: 7},
				{measure: measureFidelity, preset: vox, isa: isa, warmup: 1, repeats: 1},
			},
			[]stage{
				{measure: measureStep, preset: vox, variant: "prioritycut", isa: isa, ways: stepWays, warmup: 1, repeats: 2},
				{measure: measureStep, preset: vox, variant: "fomm-adv", isa: isa, ways: stepWays, warmup: 1, repeats: 2},
			})
	}
	for _, isa := range isas {
		groups = append(groups, []stage{
			{measure: measureFrame, preset: shapes, isa: isa, ways: frameWays, warmup: 5, repeats: 20},
			{measure: measureStep, preset: shapes, variant: "prioritycut", isa: isa, ways: stepWays, warmup: 2, repeats: 5},
			{measure: measureStep, preset: shapes, variant: "fomm-adv", isa: isa, ways: stepWays, warmup: 2, repeats: 5},
			{measure: measureReconstruction, preset: vox, isa: isa, ways: frameWays, warmup: 1, repeats: 1},
			{measure: measureStart, preset: vox, isa: isa, ways: []string{wayEager}, warmup: 1, repeats: 1},
			{measure: measureFrame, preset: vox, size: 128, isa: isa, ways: []string{wayEager}, warmup: 2, repeats: 7},
			{measure: measureFrame, preset: vox, size: 512, isa: isa, ways: []string{wayEager}, warmup: 1, repeats: 3},
		})
	}
	for _, isa := range isas {
		groups = append(groups, []stage{
			{measure: measureStep, preset: vox, variant: "prioritycut", batch: 2, isa: isa, ways: stepWays, warmup: 1, repeats: 2},
			{measure: measureStep, preset: vox, variant: "fomm-adv", batch: 2, isa: isa, ways: stepWays, warmup: 1, repeats: 2},
			{measure: measureStep, preset: vox, variant: "prioritycut", batch: 4, isa: isa, peers: nobody, warmup: 1, repeats: 2},
			{measure: measureStep, preset: vox, variant: "fomm-adv", batch: 4, isa: isa, peers: nobody, warmup: 1, repeats: 2},
		})
	}
	return groups
}

// What five minutes allow: single rounds of the rows that matter most, and of
// PyTorch the way that is the quickest there.
func quickStages(isas []string) [][]stage {
	var list []stage
	for _, isa := range isas {
		step := []string{partChannelsLast + "+" + partLean}
		if isa == isaAVX2 {
			step = []string{partLean}
		}
		list = append(list,
			stage{measure: measureConv, preset: vox, isa: isa, warmup: 1, repeats: 3},
			stage{measure: measureFrame, preset: vox, isa: isa, peers: strangers, ways: []string{partJIT}, warmup: 1, repeats: 3},
			stage{measure: measureStep, preset: vox, variant: "fomm-adv", isa: isa, peers: strangers, ways: step, warmup: 1, repeats: 1},
			stage{measure: measureFrame, preset: shapes, isa: isa, peers: strangers, ways: []string{partChannelsLast}, warmup: 3, repeats: 10},
			stage{measure: measureStep, preset: shapes, variant: "prioritycut", isa: isa, peers: strangers, ways: []string{partChannelsLast + "+" + partLean},
				warmup: 2, repeats: 3},
			stage{measure: measureFidelity, preset: vox, isa: isa, warmup: 1, repeats: 1},
		)
	}
	return [][]stage{list}
}
