package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/durable"
)

// withoutKeypoints refuses a flag for a model that finds no keypoints, and names
// its family where that is known.
func withoutKeypoints(flag string, a *animator) error {
	of := "this model"
	if a.config != nil {
		of = string(a.config.FamilyName())
	}
	return fmt.Errorf("--%s: %s has no keypoints", flag, of)
}

// keypointTable writes the keypoints of source and driving frames. A nil table
// does nothing.
type keypointTable struct {
	path   string
	file   *durable.Temp
	buffer *bufio.Writer
	csv    *csv.Writer
	header bool
}

// keypointTable begins the table of --keypoints_csv, aside of its final place.
func (p *program) keypointTable() (*keypointTable, error) {
	if p.keypoints == "" {
		return nil, nil
	}
	f, err := durable.NewFile(filepath.Dir(p.keypoints), ".keypoints-")
	if err != nil {
		return nil, fmt.Errorf("--keypoints_csv: %w", err)
	}
	t := &keypointTable{path: p.keypoints, file: f, buffer: bufio.NewWriter(f.File)}
	t.csv = csv.NewWriter(t.buffer)
	return t, nil
}

// row writes the keypoints of one picture: the source, then each frame.
func (t *keypointTable) row(frame int, kp infer.Keypoints) error {
	if !t.header {
		t.header = true
		names := []string{"frame", "keypoint", "x", "y"}
		if kp.Jacobian != nil {
			names = append(names, "jacobian_xx", "jacobian_xy", "jacobian_yx", "jacobian_yy")
		}
		if err := t.csv.Write(names); err != nil {
			return err
		}
	}
	name := strconv.Itoa(frame)
	if frame == animate.SourceFrame {
		name = "source"
	}
	for k := 0; k < kp.K; k++ {
		row := []string{name, strconv.Itoa(k)}
		numbers := kp.Value[2*k : 2*k+2 : 2*k+2]
		if kp.Jacobian != nil {
			numbers = append(numbers, kp.Jacobian[4*k:4*k+4]...)
		}
		for _, v := range numbers {
			row = append(row, strconv.FormatFloat(float64(v), 'g', -1, 32))
		}
		if err := t.csv.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// close gives the table its name.
func (t *keypointTable) close() error {
	if t == nil {
		return nil
	}
	t.csv.Flush()
	err := t.csv.Error()
	if err == nil {
		err = t.buffer.Flush()
	}
	if err == nil {
		err = t.file.Publish(t.path)
	}
	if err != nil {
		return fmt.Errorf("--keypoints_csv: %w", err)
	}
	return nil
}

// abort removes a table that has not got its name.
func (t *keypointTable) abort() {
	if t != nil {
		t.file.Remove()
	}
}
