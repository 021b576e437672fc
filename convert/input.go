package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/weights"
)

// input is a file of weights by the names of the reference: each network below
// its own name, without what wrappers and programs around it put before or
// after that.
type input struct {
	*weights.StateDict
	// adam are the states that PyTorch's optimisers gave, by network.
	adam map[string]*weights.Dict
	// notes tell what was taken off the names, aside which tensors of the file
	// belong to none of its networks.
	notes, aside []string
}

// aliases are other names that networks go by: the attribute of the reference's
// GeneratorFullModel.
var aliases = map[string]string{"kp_extractor": kpDetector}

// losses are what the reference's GeneratorFullModel holds beside networks.
var losses = []string{"vgg", "pyramid"}

// firstOf are the ends of the names of a network's first kernel, by which the
// place of the network's own names is known.
var firstOf = map[string][]string{
	generator:     {"first.conv.weight"},
	kpDetector:    {"predictor.encoder.down_blocks.0.conv.weight"},
	discriminator: {"down_blocks.0.conv.weight", "down_blocks.0.conv.weight_orig"},
}

// newInput finds the networks in a file.
func newInput(s *weights.StateDict) (*input, error) {
	view, notes, err := weights.Unwrap(s)
	if err != nil {
		return nil, err
	}
	in := &input{StateDict: view, notes: notes, adam: map[string]*weights.Dict{}}
	if !s.Checked() {
		in.notes = append(in.notes, "the file was written without checksums: damage would not be noticed")
	}
	if isX2Face(in.Names()) {
		return in, in.liftX2Face(s.Root())
	}
	if err := in.lift(); err != nil {
		return nil, err
	}
	if err := in.strip(); err != nil {
		return nil, err
	}
	for _, p := range players {
		if state := findAdam(s.Root(), optimizerPrefix+p, 4); state != nil {
			in.adam[p] = state
		}
	}
	return in, nil
}

// hasNetworks reports whether any tensor belongs to an animator.
func (in *input) hasNetworks() bool {
	return slices.ContainsFunc(in.Names(), func(name string) bool {
		owner, _, _ := strings.Cut(name, ".")
		return owner == generator || owner == kpDetector || slices.Contains(x2faceNetworks, owner)
	})
}

// ownerIn finds the network, or its optimiser, that a name belongs to: what
// stands before it, and what behind.
func ownerIn(name string) (before, owner, rest string, ok bool) {
	parts := strings.Split(name, ".")
	for i, part := range parts[:len(parts)-1] {
		player, optimizer := strings.CutPrefix(part, optimizerPrefix)
		if alias, ok := aliases[player]; ok {
			player = alias
		}
		if !slices.Contains(players, player) {
			continue
		}
		if optimizer {
			player = optimizerPrefix + player
		}
		return strings.Join(parts[:i], "."), player, strings.Join(parts[i+1:], "."), true
	}
	return "", "", "", false
}

// lift takes off what stands before the networks' names, "state_dict.model" in
// a checkpoint of Lightning's.
func (in *input) lift() error {
	places := map[string][]string{} // by owner
	for _, name := range in.Names() {
		before, owner, _, ok := ownerIn(name)
		if ok && !slices.Contains(places[owner], before) {
			places[owner] = append(places[owner], before)
		}
	}
	chosen, top := map[string]string{}, len(places) == 0
	for owner, list := range places {
		if !slices.Contains(list, "") && len(list) > 1 {
			slices.Sort(list)
			return fmt.Errorf("it has several networks named %s, below %s and below %s: keep one of them", owner, list[0], list[1])
		}
		if !slices.Contains(list, "") {
			chosen[owner] = list[0]
		}
		top = top || chosen[owner] == ""
	}
	beside := func(name string) (string, bool) {
		for _, before := range chosen {
			if rest, ok := strings.CutPrefix(name, before+"."); ok {
				return rest, true
			}
		}
		return name, top
	}
	view, err := in.Renamed(func(name string) (string, bool) {
		before, owner, rest, owned := ownerIn(name)
		if owned && before == chosen[owner] {
			return owner + "." + rest, true
		}
		now, keep := beside(name)
		first, _, _ := strings.Cut(now, ".")
		if owned || slices.Contains(losses, first) || !keep {
			in.aside = append(in.aside, name)
			return "", false
		}
		return now, true
	})
	if err != nil {
		return err
	}
	in.StateDict = view
	in.noteLifted(chosen)
	return nil
}

func (in *input) noteLifted(chosen map[string]string) {
	var lifted []string
	for _, before := range chosen {
		if !slices.Contains(lifted, before) {
			lifted = append(lifted, before)
		}
	}
	slices.Sort(lifted)
	for _, before := range lifted {
		in.notes = append(in.notes, before+". was taken off the names")
	}
	if len(in.aside) > 0 {
		in.notes = append(in.notes, leftOut(in.aside, lifted))
	}
}

// leftOut tells which tensors belong to no network, by what they begin with; what
// lies beside the networks, below one of places, by one name more.
func leftOut(names, places []string) string {
	var groups []string
	for _, name := range names {
		below := ""
		for _, place := range places {
			if place != "" && strings.HasPrefix(name, place+".") {
				below = place + "."
			}
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(name, below), ".")
		if group := below + first; !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	const most = 8
	if len(groups) > most {
		groups = append(groups[:most], "...")
	}
	return fmt.Sprintf("%d tensors that belong to no network of these are left out (%s)", len(names), strings.Join(groups, ", "))
}

// strip takes off what stands between a network's name and its own names,
// where that is not known as a wrapper's.
func (in *input) strip() error {
	off := map[string]string{}
	for _, p := range players {
		if within := in.within(p); within != "" {
			off[p], off[optimizerPrefix+p] = within, within
			in.notes = append(in.notes, fmt.Sprintf("%s was taken off the names of %s", within, p))
		}
	}
	view, err := in.Renamed(func(name string) (string, bool) {
		owner, rest, _ := strings.Cut(name, ".")
		if within := off[owner]; within != "" && strings.HasPrefix(rest, within) {
			return owner + "." + strings.TrimPrefix(rest, within), true
		}
		return name, true
	})
	if err == nil {
		in.StateDict = view
	}
	return err
}

// within is what all names of a network begin with that are not its own, ending
// in a dot.
func (in *input) within(player string) string {
	found := ""
	for _, name := range in.Names() {
		rest, ok := strings.CutPrefix(name, player+".")
		for _, end := range firstOf[player] {
			before, isFirst := strings.CutSuffix(rest, end)
			if !ok || !isFirst || before != "" && !strings.HasSuffix(before, ".") {
				continue
			}
			before = withoutScale(before)
			if before == "" || found != "" && found != before {
				return ""
			}
			found = before
		}
	}
	return found
}

// withoutScale cuts "discs.1.", the scale of a discriminator, off the end.
func withoutScale(before string) string {
	parts := strings.Split(before, ".") // the last one is empty
	if n := len(parts); n >= 3 && parts[n-3] == "discs" {
		return strings.Join(append(parts[:n-3:n-3], ""), ".")
	}
	return before
}

// findAdam looks for what optimizer.state_dict() gave, some dictionaries deep.
func findAdam(v weights.Value, key string, depth int) *weights.Dict {
	d, ok := v.(*weights.Dict)
	if !ok || depth == 0 {
		return nil
	}
	if v, ok := d.Get(key); ok {
		if state, ok := v.(*weights.Dict); ok {
			return state
		}
	}
	for i := range d.Len() {
		_, value := d.At(i)
		if state := findAdam(value, key, depth-1); state != nil {
			return state
		}
	}
	return nil
}
