package evaluate

import (
	"context"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/shapes"
)

// OpenData opens the data set that a configuration names: the drawn one, a
// sample or files. The drawn figures are the same whatever the run's seed.
func OpenData(ctx context.Context, c *config.Config) (*dataset.Dataset, error) {
	if c.Dataset.RootDir != config.Shapes {
		return dataset.Open(ctx, c.Dataset)
	}
	o := shapes.DefaultOptions()
	o.Height, o.Width = c.Dataset.FrameShape[0], c.Dataset.FrameShape[1]
	set, err := shapes.New(o)
	if err != nil {
		return nil, err
	}
	return dataset.FromSource(set, c.Dataset)
}
