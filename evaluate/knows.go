package evaluate

import (
	"fmt"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// checkDetectors refuses a detector of one kind of drawn figures for another kind,
// and warns of each that was not trained on what it looks at: it finds something
// everywhere, and the numbers would tell of it more than of the model.
func (e *evaluation) checkDetectors() error {
	for _, source := range []vectorSource{e.keypoints.real, e.keypoints.generated} {
		d, ok := source.(*detector)
		if !ok {
			continue
		}
		doubt, err := d.knows(&e.description)
		if err != nil {
			return err
		}
		if doubt != "" {
			glog.Warning(doubt)
			e.doubts = append(e.doubts, doubt)
		}
		if e.keypoints.real == e.keypoints.generated {
			break
		}
	}
	return nil
}

// knows says whether the detector was trained on such data: an error where it was
// certainly on others, doubt where that cannot be told or matters less.
func (d *detector) knows(r *result.Run) (doubt string, err error) {
	flag := d.kind.modelFlag()
	figures, _ := dataset.DrawnFigures(r.Data)
	known := d.drawn != nil && d.drawn.TrainedOn == dataset.DrawnName(figures) && config.Drawn(r.Data)
	switch {
	case d.networks != "" && config.Drawn(r.Data):
		return fmt.Sprintf("`%s`=%s was trained on photographs, and %s are drawings: what it finds there tells of it more than of the model. "+
			"Train a detector of drawn joints by the program joints, `data`=%s", flag, d.path, r.Data, dataset.DrawnName(figures)), nil
	case d.drawn == nil || known && d.h == r.Height && d.w == r.Width:
		return "", nil
	case known:
		return fmt.Sprintf("`%s`=%s was trained on pictures of %dx%d pixels, those of %dx%d are resized for it: its own error grows with them",
			flag, d.path, d.w, d.h, r.Width, r.Height), nil
	case config.Drawn(r.Data):
		return "", refuse("`%s`=%s was trained on %s and does not know the figures of %s: train one by the program joints, `data`=%s `size`=%dx%d",
			flag, d.path, d.drawn.TrainedOn, r.Data, dataset.DrawnName(figures), r.Width, r.Height)
	}
	return fmt.Sprintf("`%s`=%s was trained on %s: unless %s shows these figures, what it finds there means nothing", flag, d.path, d.drawn.TrainedOn, r.Data), nil
}
