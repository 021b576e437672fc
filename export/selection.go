package export

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// selection are the signatures of a model that are written.
type selection struct {
	list []savedmodel.SignatureDef
	// of are the names in the graph of ours of those that are written under
	// another one.
	of map[string]string
}

// own is the name in the graph of ours of a signature that is written.
func (s *selection) own(written string) string {
	if name, ok := s.of[written]; ok {
		return name
	}
	return written
}

// written are the names under which a signature of the graph is written.
func (s *selection) written(own string) []string {
	var names []string
	for _, def := range s.list {
		if s.own(def.Name) == own {
			names = append(names, def.Name)
		}
	}
	return names
}

// choose selects signatures by name; no names are all. The one called standard
// is written as infer.SigDefault besides, for engines that see only that; empty
// leaves the relative motion of pictures there.
func choose(all []savedmodel.SignatureDef, names []string, standard string) (*selection, error) {
	s := &selection{of: map[string]string{}}
	var known []string
	for _, def := range all {
		known = append(known, def.Name)
	}
	for _, name := range append(slices.Clone(names), standard) {
		if name != "" && !slices.Contains(known, name) {
			return nil, fmt.Errorf("the model has no signature %q; it has %s", name, strings.Join(known, ", "))
		}
	}
	other := standard != "" && standard != infer.SigDefault
	if other && slices.Contains(names, infer.SigDefault) {
		return nil, fmt.Errorf("`default`=%s takes the place of %s: leave that out of `signatures`", standard, infer.SigDefault)
	}
	for _, def := range all {
		switch {
		case other && def.Name == infer.SigDefault:
			continue
		case len(names) > 0 && !slices.Contains(names, def.Name) && def.Name != standard:
			continue
		}
		s.list = append(s.list, def)
		if other && def.Name == standard {
			def.Name = infer.SigDefault
			s.list = append(s.list, def)
			s.of[infer.SigDefault] = standard
		}
	}
	return s, nil
}
