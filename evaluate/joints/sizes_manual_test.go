//go:build manual

package joints

import (
	"fmt"
	"testing"

	"github.com/prioritycut/prioritycut/dataset/shapes"
)

// TestEverySize trains with the defaults at every size, on both kinds of figures: in
// real frames of unseen videos no more than 2 % of any joint are missing, and wrists
// are half a pixel off at most.
func TestEverySize(t *testing.T) {
	for _, figures := range []shapes.Figures{shapes.Puppets, shapes.People} {
		for _, side := range []int{32, 64, 128, 256} {
			t.Run(fmt.Sprintf("%s%d", figures, side), func(t *testing.T) {
				o := DefaultOptions(figures)
				o.Width, o.Height, o.Session.Device = side, side, "cpu"
				trained(t, o)
			})
		}
	}
}
