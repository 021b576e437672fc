package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

// originFile says, beside the results of --pairs, what they follow from.
const originFile = "pairs.json"

// pairsOrigin is what results follow from but for the pair: where it is another,
// what is there must not count as done.
type pairsOrigin struct {
	Model  string         `json:"model"`
	Data   string         `json:"data"`
	Motion animate.Motion `json:"motion"`
	Fit    string         `json:"fit"`
	Rate   string         `json:"rate"`
	// OwnRate says that each result has its driving video's rate. It is left out
	// where --fps is given, as it was when results without had 25 a second.
	OwnRate bool `json:"own_rate,omitempty"`
	// SideBySide is left out where it is off, as it was before there was such a
	// flag.
	SideBySide bool `json:"side_by_side,omitempty"`
	// Keypoints are drawn; left out likewise.
	Keypoints bool `json:"keypoints,omitempty"`
	// SourceFrames is left out where it is 1, likewise.
	SourceFrames int `json:"source_frames,omitempty"`
}

// claim writes the origin into a folder, or finds it there.
func (o pairsOrigin) claim(dir string) error {
	text, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	path := filepath.Join(dir, originFile)
	old, err := readStart(path, int64(len(text))+1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return durable.WriteFile(path, text)
	case err != nil:
		return err
	case !bytes.Equal(old, text):
		return fmt.Errorf("%s holds pairs by another model or other flags (%s says which): name another folder by --out, or remove this one", dir, path)
	}
	return nil
}

// readStart reads a file, but no more of it than so many bytes.
func readStart(path string, most int64) ([]byte, error) {
	f, _, err := localfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}
