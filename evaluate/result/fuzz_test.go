package result

import (
	"os"
	"testing"
)

// FuzzRead reads any bytes as each of the files of an evaluation.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"format_version": 1, "kind": "checkpoint"}`))
	f.Add([]byte("format_version,name,metric,mean\n1,a,l1,0.5\n"))
	f.Add([]byte("format_version,video,frame\n1,a,0\n"))
	f.Add([]byte("\"\n"))
	dir := Folder(f.TempDir())
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, path := range []string{dir.Run(), dir.Summary(), dir.Videos(), dir.Frames()} {
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		// Whatever they are, they are read or refused.
		_, _ = ReadRun(string(dir))
		_, _ = ReadSummary(dir.Summary())
		_, _ = ReadVideos(dir.Videos())
		_ = EachFrame(dir.Frames(), func(FrameRow) error { return nil })
	})
}
