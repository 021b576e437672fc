package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/golang/glog"

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

// flags name another model of each kind.
var flags = map[detectors.Kind]string{
	detectors.Keypoints: "keypoint_model", detectors.Embedding: "embedding_model", detectors.Mask: "mask_model",
}

// maskHome keeps the masks of real frames, which evaluations share; empty where
// the machine has no folder for such things.
func maskHome() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "prioritycut", "masks")
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
		for _, n := range d.Unlicensed() {
			glog.Warningf("%s uses %s: %s. Ask its authors before you sell or publish what it measures, or name another by --%s", name, n.Title, n.Terms(), flags[d.Kind])
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
