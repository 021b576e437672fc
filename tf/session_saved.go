package tf

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// LoadSavedModel lets TensorFlow load the graph of these tags from a SavedModel's
// folder as it is, with the tables and files that its initialisation reads. Such
// a model is a program: package savedmodel looks first. On an error the session
// may still have to be closed.
func LoadSavedModel(dir string, tags []string, config SessionConfig) (*tensorflow.Graph, *Session, error) {
	options, err := config.Proto()
	if err != nil {
		return nil, nil, err
	}
	if d, err := parseDevice(config.Device); err == nil && d.number > 0 {
		return nil, nil, fmt.Errorf("device %q: TensorFlow loads such a model onto its first GPU; name yours by CUDA_VISIBLE_DEVICES=%d", config.Device, d.number)
	}
	if err := prepareProcess(config); err != nil {
		return nil, nil, err
	}
	s := &Session{}
	var loaded *tensorflow.SavedModel
	const doing = "loading the model"
	err = guard(doing, func() error {
		var err error
		if loaded, err = tensorflow.LoadSavedModel(dir, tags, &tensorflow.SessionOptions{Config: options}); err != nil {
			return wrap(doing, err)
		}
		s.session = loaded.Session
		s.devices, err = loaded.Session.ListDevices()
		return wrap("listing the devices", err)
	})
	if err == nil {
		err = s.checkDevice(config.Device, 1)
	}
	if err != nil {
		return nil, s, err
	}
	return loaded.Graph, s, nil
}
