package tf

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
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

// Whoever waits says for whom.
func TestServerAwaits(t *testing.T) {
	there, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	absent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	missing := absent.Addr().String()
	absent.Close()
	s := &Server{Cluster: Cluster{Workers: []string{"127.0.0.1:1", there.Addr().String(), missing}}}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := s.Await(ctx); err == nil || !strings.Contains(err.Error(), "waits for worker 2, which does not listen at "+missing) {
		t.Error(err)
	}
	late, err := net.Listen("tcp", missing)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if err := s.Await(context.Background()); err != nil {
		t.Error(err)
	}
}
