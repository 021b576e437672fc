package export

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf"
)

// A model that answers rounding with visible changes is exported, and a wrong one
// is refused whichever the model.
func TestWhatRoundingExplains(t *testing.T) {
	for _, c := range []struct {
		name     string
		loud     float64
		explains bool
	}{
		{"calm", 1, false},
		{"nervous", 30_000, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, explained := judged(t, louderModel(t, 1, c.loud, 0))
			// Weights that are worn by a millionth change what is computed as
			// rounding in every layer does.
			worst, err := compared(t, p, explained.session, louderModel(t, 1, c.loud, 1e-6))
			if err != nil || (worst > refused) != c.explains {
				t.Errorf("the same model but for rounding: %g, %v", worst, err)
			}
			if worst, err := compared(t, p, explained.session, louderModel(t, 2, c.loud, 0)); err == nil || !strings.Contains(err.Error(), "rounding does not explain") {
				t.Errorf("another model: %g, %v", worst, err)
			}
		})
	}
}

// compared exports a model and compares it with the plan of another.
func compared(t *testing.T, p *Plan, session *tf.Session, m *infer.Model) (float64, error) {
	t.Helper()
	other, _ := judged(t, m)
	if _, err := other.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	return p.compare(context.Background(), session, other.Dir)
}

// judged is a model's plan of export with its calls and a session.
func judged(t *testing.T, m *infer.Model) (*Plan, *rounding) {
	t.Helper()
	p, err := Prepare(m, Options{Out: filepath.Join(t.TempDir(), "tiny"), Frozen: true})
	if err != nil {
		t.Error(err)
	}
	session, err := tf.NewSession(p.graph.Scope.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Error(err)
	}
	t.Cleanup(func() { session.Close() })
	if err := m.Assign(session, p.graph.Scope); err != nil {
		t.Error(err)
	}
	calls, err := p.calls(context.Background(), session)
	if err != nil {
		t.Error(err)
	}
	return p, &rounding{plan: p, session: session, calls: calls}
}
