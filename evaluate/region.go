package evaluate

import (
	"errors"
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/detectors"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// regionWidth is the number of values of a region, the last of which is its
// confidence.
const regionWidth = 5

// bindRegions finds the two halves of a detector that first finds where to look,
// if it has them.
func (d *detector) bindRegions() error {
	signatures := d.model.Signatures()
	find, ok := signatures[detectors.FindRegion]
	in, also := signatures[detectors.InRegion]
	if !ok && !also {
		return nil
	}
	if !ok || !also {
		return fmt.Errorf("it has one of the signatures %s and %s without the other", detectors.FindRegion, detectors.InRegion)
	}
	_, image := find.Inputs[detectors.ImageName]
	_, region := find.Outputs[detectors.RegionName]
	_, imageAgain := in.Inputs[detectors.ImageName]
	_, told := in.Inputs[detectors.RegionName]
	if _, result := in.Outputs[d.output]; !image || !region || !imageAgain || !told || !result {
		return fmt.Errorf("its signatures %s and %s are not image -> region and image, region -> %s", detectors.FindRegion, detectors.InRegion, d.output)
	}
	if d.h > 0 {
		return errors.New("it finds regions in pictures of one size only")
	}
	d.regional = true
	return nil
}

// pair looks at frames and their predictions in one place: where the real frame
// has what is looked for. Frames that have it nowhere give nil for both.
func (d *detector) pair(real, made []*video.Frame) (inReal, inMade [][]float32, err error) {
	inReal, inMade = make([][]float32, len(real)), make([][]float32, len(real))
	for i := range real {
		if real[i] == nil || made[i] == nil {
			continue
		}
		if inReal[i], inMade[i], err = d.one(real[i], made[i]); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", d.path, err)
		}
	}
	return inReal, inMade, nil
}

// one looks at a frame and its prediction.
func (d *detector) one(real, made *video.Frame) (inReal, inMade []float32, err error) {
	first, err := floatPictures([]*video.Frame{real})
	if err != nil {
		return nil, nil, err
	}
	second, err := floatPictures([]*video.Frame{made})
	if err != nil {
		return nil, nil, err
	}
	region, err := d.call(detectors.FindRegion, map[string]*tensorflow.Tensor{detectors.ImageName: first}, detectors.RegionName, 0)
	if err != nil {
		return nil, nil, err
	}
	values, err := tf.Values[float32](region)
	if err != nil {
		return nil, nil, err
	}
	if len(values) != regionWidth {
		return nil, nil, fmt.Errorf("its region is %v, not [1, %d]", region.Shape(), regionWidth)
	}
	// A confidence that is no number finds nothing either.
	if !(values[regionWidth-1] >= leastConfidence) {
		return nil, nil, nil
	}
	if inReal, err = d.within(first, region, real); err != nil {
		return nil, nil, err
	}
	inMade, err = d.within(second, region, made)
	return inReal, inMade, err
}

// within looks at one picture in a region.
func (d *detector) within(image, region *tensorflow.Tensor, f *video.Frame) ([]float32, error) {
	out, err := d.call(detectors.InRegion,
		map[string]*tensorflow.Tensor{detectors.ImageName: image, detectors.RegionName: region}, d.output, 1)
	if err != nil {
		return nil, err
	}
	values, err := tf.Values[float32](out)
	if err != nil {
		return nil, err
	}
	all, err := d.split(values, out.Shape(), []*video.Frame{f}, 1, 1)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}
