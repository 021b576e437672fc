package ablation

import (
	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/patience"
)

// writing writes an ablation's own files, again where the storage fails for a
// moment: days of training stand behind them.
type writing struct{ result.Writing }

func newWriting(out string) writing {
	return writing{result.NewWriting(patience.Most, "", out, "runs that are done are kept")}
}

// tables writes files into a folder, which is made.
func (w writing) tables(dir string, list []compare.File) error {
	return w.Insist("the ablation's tables", func() error { return compare.WriteFiles(w.Files, dir, list) })
}
