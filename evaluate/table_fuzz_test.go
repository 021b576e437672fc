package evaluate

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/sheet"
)

// FuzzTable reads any bytes as a table of keypoints or embeddings.
func FuzzTable(f *testing.F) {
	f.Add([]byte("video,frame,x0,y0,x1,y1\na,0,1,2,-1,-1\na,1,,,3,4\nb,0,1,2,3,4\n"), true)
	f.Add([]byte("video,frame,e0,e1\na,0,0.5,1e-3\n"), false)
	f.Add([]byte("\ufeffvideo;frame;e0\na;0;NaN\n"), false)
	f.Add([]byte("video,frame\n"), true)
	path := filepath.Join(f.TempDir(), "table.csv")
	f.Fuzz(func(t *testing.T, data []byte, keypoints bool) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		in, err := sheet.Open(path, 1<<20)
		if err != nil {
			return
		}
		defer in.Close()
		table := &vectorTable{path: path, kind: embeddingVectors, in: in, parts: map[string][]part{}}
		if keypoints {
			table.kind = keypointVectors
		}
		if table.index() != nil {
			return
		}
		rows := table.in.Rows()
		for {
			row, err := rows.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatalf("read once, but not again: %v", err)
			}
			frame, vector, err := table.row(row)
			if err != nil || frame < 0 {
				t.Fatalf("frame %d, %v", frame, err)
			}
			for _, v := range vector {
				if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
					t.Errorf("%q holds %v", row, v)
				}
			}
		}
	})
}
