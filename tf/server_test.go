package tf

import (
	"net"
	"strings"
	"testing"
)

// A server that could not work is refused before TensorFlow is asked.
func TestServerRefuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for want, c := range map[string]Cluster{
		"cannot listen at " + l.Addr().String(): {Workers: []string{l.Addr().String(), "127.0.0.1:1"}},
		"rank 2 of 2 workers":                   {Workers: []string{"a:1", "b:1"}, Rank: 2},
		"rank 0 of 1 workers":                   {Workers: []string{"a:1"}},
	} {
		if s, err := StartServer(c, SessionConfig{Device: "cpu"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want %q", s, err, want)
		}
	}
}
