package result

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/internal/durable"
)

// Joints is the table of single keypoints, of evaluations that measure them.
func (f Folder) Joints() string { return filepath.Join(string(f), "joints.csv") }

// JointRow is one keypoint over the frames of one video.
type JointRow struct {
	FormatVersion int    `csv:"format_version"`
	Video         string `csv:"video"`
	// Joint counts the keypoints from 0; Name is empty where nobody named it.
	Joint int    `csv:"joint"`
	Name  string `csv:"name"`
	// Distance is the mean of |dx| and |dy| in pixels over the Frames in which it
	// was found in the real and in the generated picture: its share of AKD.
	Distance Value `csv:"distance"`
	Frames   int   `csv:"frames"`
	// Shown counts the frames whose real picture has it; Lacking those of them
	// whose generated one has it not: its share of MKR.
	Shown   int `csv:"shown"`
	Lacking int `csv:"lacking"`
}

// ReadJoints reads a joints.csv; none is an empty table.
func ReadJoints(path string) ([]JointRow, error) {
	rows, err := readTable(path, func(r *JointRow) (int, error) { return r.FormatVersion, nil })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return rows, err
}

// WriteJoints writes a joints.csv as a whole.
func WriteJoints(files durable.FileSystem, path string, rows []JointRow) error {
	data, err := gocsv.MarshalBytes(rows)
	if err != nil {
		return err
	}
	return durable.WriteFileOn(files, path, data)
}
