package train

import (
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/tf"
)

// TestSightings: a worker that was there when another one was gone already is none
// of those that were missing first.
func TestSightings(t *testing.T) {
	for name, c := range map[string]struct {
		noted string // a rank that is there, or in brackets one that is not
		want  []int
	}{
		"never seen":                {"(1)0(0)", []int{1}},
		"gone first":                {"01(1)0(0)", []int{1}},
		"nothing tells":             {"01(1)(0)", []int{0, 1}},
		"nobody was looked for":     {"", []int{0, 1}},
		"late, and then gone first": {"(1)01(1)0(0)", []int{1}},
		"late, and then gone last":  {"(1)01(0)1(1)", []int{0}},
	} {
		var s sightings
		there := true
		for _, r := range c.noted {
			switch r {
			case '(':
				there = false
			case ')':
				there = true
			default:
				s.note(int(r-'0'), there, time.Now())
				time.Sleep(time.Millisecond) // clocks are coarse
			}
		}
		if diff := cmp.Diff(c.want, s.first([]int{0, 1})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestDyingWorker: a worker that still listens when an operation has failed for its
// sake is missing all the same.
func TestDyingWorker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(watchPause/2, func() { l.Close() })
	w := &crew{cluster: tf.Cluster{Workers: []string{"127.0.0.1:1", l.Addr().String()}}}
	if diff := cmp.Diff([]int{1}, w.ended()); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}
