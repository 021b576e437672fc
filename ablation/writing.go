package ablation

import (
	"io"
	"path/filepath"
	"time"

	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/patience"
)

// writing writes an ablation's own files, again where the storage fails for a
// moment: days of training stand behind them.
type writing struct {
	files    durable.FileSystem
	patience *patience.Patience
	pause    time.Duration
}

func newWriting(out string) writing {
	advice := "free space, or mend what holds " + out + ", and type the same command again: runs that are done are kept"
	return writing{durable.OS{}, patience.New(patience.Most, "", advice), time.Second}
}

// tables writes files into a folder, which is made.
func (w writing) tables(dir string, list []compare.File) error {
	return w.patience.Insist("the ablation's tables", w.pause, func() error { return compare.WriteFiles(w.files, dir, list) })
}

// file writes one file that stands in a folder.
func (w writing) file(path string, data []byte) error {
	return w.tables(filepath.Dir(path), []compare.File{{Name: filepath.Base(path), Write: func(to io.Writer) error {
		_, err := to.Write(data)
		return err
	}}})
}
