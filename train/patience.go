package train

import (
	"fmt"

	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// newPatience forgives failed writes into a run's folder.
func newPatience(dir rundir.Dir, most int) *patience.Patience {
	return patience.New(most, "max_failed_writes", fmt.Sprintf(
		"free space, or mend what holds %s, and type the same command again: it goes on from the newest checkpoint there, which is intact", dir))
}
