package weights

import (
	"fmt"
	"slices"
	"strings"
)

// Spec is what a network expects of a tensor.
type Spec struct {
	Name  string
	Shape []int64
}

// MismatchError lists how the tensors of a file differ from what a network
// expects.
type MismatchError struct {
	Missing   []string // expected and not there
	Extra     []string // there and not expected
	Misshapen []string // "name: shape [..] in the file, [..] expected"
}

// Error lists the first few names of each kind; the fields have all.
func (e *MismatchError) Error() string {
	const most = 8
	var b strings.Builder
	b.WriteString("the weights do not fit the network")
	for _, part := range []struct {
		what  string
		names []string
	}{{"missing", e.Missing}, {"misshapen", e.Misshapen}, {"not expected", e.Extra}} {
		if len(part.names) == 0 {
			continue
		}
		fmt.Fprintf(&b, "; %d %s: %s", len(part.names), part.what, strings.Join(part.names[:min(len(part.names), most)], ", "))
		if len(part.names) > most {
			b.WriteString(", ...")
		}
	}
	return b.String()
}

// Check compares names and shapes with what a network expects. Tensors that
// ignore (may be nil) returns true for need not be expected; a batch norm's
// num_batches_tracked is an example. The error is a *MismatchError.
func (s *StateDict) Check(want []Spec, ignore func(name string) bool) error {
	var e MismatchError
	expected := make(map[string]bool, len(want))
	for _, w := range want {
		expected[w.Name] = true
		t, ok := s.tensors[w.Name]
		switch {
		case !ok:
			e.Missing = append(e.Missing, w.Name)
		case !slices.Equal(t.shape, w.Shape):
			e.Misshapen = append(e.Misshapen, fmt.Sprintf("%s: shape %v in the file, %v expected", w.Name, t.shape, w.Shape))
		}
	}
	for _, name := range s.names {
		if !expected[name] && (ignore == nil || !ignore(name)) {
			e.Extra = append(e.Extra, name)
		}
	}
	if len(e.Missing)+len(e.Extra)+len(e.Misshapen) == 0 {
		return nil
	}
	return &e
}
