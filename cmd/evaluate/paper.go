package main

import (
	"context"
	"fmt"

	"github.com/prioritycut/prioritycut/detectors"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// paperDetectors are what the columns of the paper's tables need of each kind of
// data. No package at hand has an embedding of whole persons, so that bodies have
// no AED.
var paperDetectors = map[string][]string{
	result.Faces:  {detectors.FaceLandmarks, detectors.FaceIdentity, detectors.Foreground},
	result.Bodies: {detectors.BodyJoints, detectors.Foreground},
}

// takeDetectors fills in the models that --paper asks for, where the request
// names nothing else, making them first where they are not there.
func takeDetectors(ctx context.Context, paper string, q *evaluate.Request) error {
	names := paperDetectors[paper]
	if names == nil {
		return fmt.Errorf("--paper=%s: faces or bodies", paper)
	}
	if q.DataKind == "" {
		q.DataKind = paper
	}
	var source detectors.Source
	var err error
	if source.Home, err = detectors.Home(); err != nil {
		return err
	}
	paths, err := source.Provide(ctx, names...)
	if err != nil {
		return fmt.Errorf("--paper=%s: %w", paper, err)
	}
	for name, path := range paths {
		d, err := detectors.Named(name)
		if err != nil {
			return err
		}
		switch {
		case d.Kind == detectors.Keypoints && q.Keypoints == "" && q.KeypointModel == "":
			q.KeypointModel = path
		case d.Kind == detectors.Embedding && q.Embeddings == "" && q.EmbeddingModel == "":
			q.EmbeddingModel = path
		case d.Kind == detectors.Mask && q.Masks == "" && q.MaskModel == "":
			q.MaskModel = path
		}
	}
	return nil
}
