package train

import (
	"fmt"
	"time"

	"github.com/golang/glog"
)

// hungerHook says when steps wait for data: the pictures cannot be read as fast as
// they are learned from.
type hungerHook struct {
	now func() time.Time
	say func(args ...any)

	took, waited time.Duration // since the last look
	told         time.Time
}

const (
	// hungerLook is the time of steps between two looks.
	hungerLook = time.Minute
	// hungerPause lies between two messages.
	hungerPause = 10 * time.Minute
	// hungry is the share of the time above which there is a message.
	hungry = 0.2
)

func newHunger() *hungerHook { return &hungerHook{now: time.Now, say: glog.Warning} }

// After implements Hook.
func (h *hungerHook) After(m *Moment) error {
	h.took += m.Took
	h.waited += m.Waited
	if h.took < hungerLook {
		return nil
	}
	share := h.waited.Seconds() / h.took.Seconds()
	h.took, h.waited = 0, 0
	if now := h.now(); share > hungry && (h.told.IsZero() || now.Sub(h.told) >= hungerPause) {
		h.told = now
		h.say(fmt.Sprintf("steps wait for data %.0f %% of the time: pictures cannot be read as fast as they are learned from. "+
			"Folders of jpg of the size that is trained on, a cache_gb that holds all films, and more dataset_params.workers help (docs/data.md)", 100*share))
	}
	return nil
}

// End implements Hook.
func (h *hungerHook) End(*Moment) error { return nil }
