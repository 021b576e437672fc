package weights

import (
	"fmt"
	"slices"
	"strings"
)

// wrappers are the names that wrappers of networks put before a network's own
// names, and who does.
var wrappers = map[string]string{
	"_orig_mod":                  "torch.compile",
	"module":                     "DataParallel or AveragedModel",
	"_fsdp_wrapped_module":       "FSDP",
	"_fpw_module":                "FSDP",
	"_checkpoint_wrapped_module": "activation checkpointing",
	"_forward_module":            "Lightning",
	"_module":                    "Opacus",
}

// averageCount is AveragedModel's count of the averages that it took.
const averageCount = "n_averaged"

// Unwrap returns a view of s by the names that its networks have themselves:
// "generator.module._orig_mod.first.conv.weight" is
// "generator.first.conv.weight", wherever in the name the wrappers stand, and
// spectral normalisation by PyTorch's parametrizations has the names of the
// older one (weight_orig, weight_u, weight_v). The tree and the closing stay
// those of s. notes tell a person what was taken off. It is an error if two
// tensors become one.
func Unwrap(s *StateDict) (view *StateDict, notes []string, err error) {
	found := map[string]bool{}
	var counts []string
	view, err = s.Renamed(func(name string) (string, bool) {
		parts := strings.Split(name, ".")
		last := len(parts) - 1
		if t := s.tensors[name]; parts[last] == averageCount && t.Len() == 1 {
			counts = append(counts, name)
			return "", false
		}
		own := slices.DeleteFunc(parts[:last:last], func(part string) bool {
			_, wrapper := wrappers[part]
			found[part] = found[part] || wrapper
			return wrapper
		})
		return strings.Join(plainNorm(append(own, parts[last])), "."), true
	})
	if err != nil {
		return nil, nil, err
	}
	for _, part := range sortedTrue(found) {
		notes = append(notes, fmt.Sprintf("%s. (%s) was taken off the names", part, wrappers[part]))
	}
	for _, name := range counts {
		notes = append(notes, fmt.Sprintf("%s is left out: these weights are averages%s", name, countText(s.tensors[name])))
	}
	return view, notes, nil
}

// plainNorm gives spectral normalisation by parametrizations the names of the
// older one.
func plainNorm(parts []string) []string {
	for i := 0; i+2 < len(parts); i++ {
		if parts[i] != "parametrizations" || parts[i+1] != "weight" {
			continue
		}
		switch {
		case parts[i+2] == "original":
			return slices.Replace(parts, i, i+3, "weight_orig")
		case i+3 < len(parts) && parts[i+2] == "0" && parts[i+3] == "_u":
			return slices.Replace(parts, i, i+4, "weight_u")
		case i+3 < len(parts) && parts[i+2] == "0" && parts[i+3] == "_v":
			return slices.Replace(parts, i, i+4, "weight_v")
		}
	}
	return parts
}

// countText says how many averages were taken, if the number can be read.
func countText(t *Tensor) string {
	if n, err := t.Float64s(); err == nil && len(n) == 1 {
		return fmt.Sprintf(" (of %.0f)", n[0])
	}
	return ""
}

func sortedTrue(set map[string]bool) []string {
	var list []string
	for name, in := range set {
		if in {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// Renamed returns a view of s in which every tensor has the name that rename
// gives it; those that it returns false for are left out. The tree and the
// closing stay those of s.
func (s *StateDict) Renamed(rename func(name string) (string, bool)) (*StateDict, error) {
	view := &StateDict{format: s.format, meta: s.meta, root: s.root, unchecked: s.unchecked, tensors: map[string]*Tensor{}}
	before := map[string]string{}
	for _, name := range s.names {
		now, ok := rename(name)
		if !ok {
			continue
		}
		if other, twice := before[now]; twice {
			return nil, fmt.Errorf("%.80q and %.80q are both %.80q without the names of wrappers; keep one of the two networks", other, name, now)
		}
		before[now] = name
		view.names = append(view.names, now)
		view.tensors[now] = s.tensors[name]
	}
	return view, nil
}
