package train

import (
	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/dataset"
)

// dataHook tells of the data set what a person would want to know while a run
// goes on: videos that turn out broken, and why films are slow to read.
type dataHook struct {
	data    *dataset.Dataset
	every   int64           // steps
	told    map[string]bool // of broken videos, by name
	noticed bool            // Notice was told
}

// After implements Hook.
func (h *dataHook) After(m *Moment) error {
	if m.due(h.every) {
		h.tell()
	}
	return nil
}

// End implements Hook.
func (h *dataHook) End(*Moment) error { return nil }

func (h *dataHook) tell() {
	for _, b := range h.data.Broken() {
		if !h.told[b.Name] {
			h.told[b.Name] = true
			glog.Warningf("data: %s cannot be read and is skipped: %v", b.Name, b.Err)
		}
	}
	if notice := h.data.Notice(); notice != "" && !h.noticed {
		h.noticed = true
		glog.Warningf("data: %s", notice)
	}
}
