package weights

import (
	"strings"
	"testing"
)

// Python's values, in pickles.
const (
	lr     = "G\x3f\x2a\x36\xe2\xeb\x1c\x43\x2d" // 2e-4
	beta1  = "G\x3f\xe0\x00\x00\x00\x00\x00\x00" // 0.5
	beta2  = "G\x3f\xef\xf7\xce\xd9\x16\x87\x2b" // 0.999
	eps    = "G\x3e\x45\x79\x8e\xe2\x30\x8c\x3a" // 1e-8
	slower = "G\x3e\xf4\xf8\xb5\x88\xe3\x68\xf1" // 2e-5
)

func tensorAt(offset string) string {
	return global("torch._utils", "_rebuild_tensor") + "(" + storageRef("N") + offset + "(K\x01t(K\x01ttR"
}

// state is one parameter's, with the step as early versions have it.
func state(first, second string) string {
	return "}(" + short("step") + "K\x07" + short("exp_avg") + tensorAt(first) + short("exp_avg_sq") + tensorAt(second) + "u"
}

func group(lr, params string) string {
	return "}(" + short("lr") + lr + short("betas") + beta1 + beta2 + "\x86" + short("eps") + eps +
		short("amsgrad") + "\x89" + short("params") + "](" + params + "eu"
}

func optimizer(states, groups string) string {
	return "}(" + short("state") + "}(" + states + "u" + short("param_groups") + "](" + groups + "eu"
}

// Identities of parameters in PyTorch before 1.6, larger ones first.
const (
	id1 = "\x8a\x06\xff\xff\xff\xff\xff\x7f"
	id2 = "\x8a\x06\x00\x00\x00\x00\x00\x10"
	id3 = "\x8a\x06\x00\x00\x00\x00\x00\x20"
)

func readAdam(t *testing.T, tree string) (*Adam, error) {
	t.Helper()
	s, err := readBytes(legacyFile(tree))
	if err != nil {
		t.Fatal(err)
	}
	return ReadAdam(s.Root())
}

func TestAdamOfEarlyVersions(t *testing.T) {
	// The states come in another order than the parameters; one has none.
	a, err := readAdam(t, optimizer(id2+state("K\x02", "K\x03")+id1+state("K\x00", "K\x01"), group(lr, id1+id3+id2)))
	if err != nil {
		t.Fatal(err)
	}
	if a.LR != 2e-4 || a.InitialLR != 2e-4 || a.Beta1 != 0.5 || a.Beta2 != 0.999 || a.Epsilon != 1e-8 || len(a.Moments) != 3 {
		t.Fatalf("%+v", a)
	}
	for i, want := range map[int]float32{0: 1, 2: 3} {
		m := a.Moments[i]
		average, err := m.Average.Float32s()
		square, err2 := m.Square.Float32s()
		if err != nil || err2 != nil || m.Step != 7 || average[0] != want || square[0] != want+1 {
			t.Errorf("parameter %d: %v %v %v, %v %v", i, m.Step, average, square, err, err2)
		}
	}
	if m := a.Moments[1]; m.Average != nil || m.Square != nil || m.Step != 0 {
		t.Errorf("%+v", m)
	}
}

func TestAdamGroupsAndSchedule(t *testing.T) {
	// Two groups are one when they agree.
	a, err := readAdam(t, optimizer("K\x01"+state("K\x00", "K\x01"), group(lr, "K\x00")+group(lr, "K\x01")))
	if err != nil || len(a.Moments) != 2 || a.Moments[0].Average != nil || a.Moments[1].Average == nil {
		t.Errorf("%+v, %v", a, err)
	}
	scheduled := strings.Replace(group(slower, "K\x00"), "}(", "}("+short("initial_lr")+lr, 1)
	if a, err = readAdam(t, optimizer("K\x00"+state("K\x00", "K\x01"), scheduled)); err != nil || a.LR != 2e-5 || a.InitialLR != 2e-4 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestAdamRefuses(t *testing.T) {
	good := "K\x00" + state("K\x00", "K\x01")
	for message, tree := range map[string]string{
		"not a list":            "]" + tensorAt("K\x00") + "a",
		`"state" is missing`:    "}" + short("x") + tensorAt("K\x00") + "s",
		"no parameter groups":   optimizer(good, ""),
		"settings of its own":   optimizer(good, group(lr, "K\x00")+group(slower, "K\x01")),
		"parameter of no group": optimizer(good, group(lr, "K\x01")),
		"occurs twice":          optimizer(good, group(lr, "K\x00K\x00")),
		"amsgrad":               optimizer(good, strings.Replace(group(lr, "K\x00"), "\x89", "\x88", 1)),
		`"lr" is a str`:         optimizer(good, group(short("fast"), "K\x00")),
		`"exp_avg" is missing`:  optimizer(strings.Replace(good, "exp_avg", "exp_xyz", 1), group(lr, "K\x00")),
		`"exp_avg_sq" is None`:  optimizer(strings.Replace(good, short("exp_avg_sq")+tensorAt("K\x01"), short("exp_avg_sq")+"N", 1), group(lr, "K\x00")),
	} {
		if _, err := readAdam(t, tree); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%v, want %q", err, message)
		}
	}
}
