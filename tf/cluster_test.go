package tf

import (
	"slices"
	"strings"
	"testing"
)

func TestParseCluster(t *testing.T) {
	for text, want := range map[string]*Cluster{
		`{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}`:                                              {[]string{"a:1", "b:2"}, 1},
		`{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": "0"}, "environment": "cloud"}`:                    {[]string{"a:1", "b:2"}, 0},
		`{"cluster": {"chief": ["c:3"], "worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}}`:                            {[]string{"c:3", "a:1", "b:2"}, 1},
		`{"cluster": {"chief": ["c:3"], "worker": ["[::1]:1"], "ps": []}, "task": {"type": "chief", "index": 0}, "rpc_layer": "grpc"}`: {[]string{"c:3", "[::1]:1"}, 0},
		`{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}`:                                                     nil,
		`{}`: nil,
	} {
		c, err := ParseCluster([]byte(text))
		switch {
		case err != nil:
			t.Errorf("%s: %v", text, err)
		case (c == nil) != (want == nil), c != nil && (!slices.Equal(c.Workers, want.Workers) || c.Rank != want.Rank || c.Chief() != (want.Rank == 0)):
			t.Errorf("%s: %+v", text, c)
		}
	}
}

// Processes of one machine are counted, whatever the loopback is called.
func TestTogether(t *testing.T) {
	c := Cluster{Workers: []string{"a:1", "127.0.0.1:1", "A:2", "[::1]:2", "b:1", "localhost:3"}}
	for rank, want := range []int{2, 3, 2, 3, 1, 3} {
		c.Rank = rank
		if got := c.Together(); got != want {
			t.Errorf("%d workers are on the machine of %s, not %d", got, c.Workers[rank], want)
		}
	}
}

func TestParseClusterRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`worker: [a, b]`:                        "no JSON",
		`{} {}`:                                 "behind",
		`{"cluster": {"worker": "a:1"}}`:        "cluster.worker must be a list",
		`{"cluster": {"worker": {"0": "a:1"}}}`: "must be a list",
		`{"cluster": {"worker": ["a:1", "a"]}, "task": {"type": "worker", "index": 0}}`:                              "worker 1: \"a\" is no address",
		`{"cluster": {"worker": ["a:1", ":2"]}, "task": {"type": "worker", "index": 0}}`:                             "names no host",
		`{"cluster": {"worker": ["a:1", "b:0"]}, "task": {"type": "worker", "index": 0}}`:                            "no port",
		`{"cluster": {"worker": ["a:1", "b:65536"]}, "task": {"type": "worker", "index": 0}}`:                        "no port",
		`{"cluster": {"worker": ["a:1", "grpc://b:2"]}, "task": {"type": "worker", "index": 0}}`:                     "worker 1",
		`{"cluster": {"worker": ["a:1", "b:2", "a:1"]}, "task": {"type": "worker", "index": 0}}`:                     "workers 0 and 2",
		`{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 2}}`:                            "task.index is 2",
		`{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": -1}}`:                           "task.index is -1",
		`{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker"}}`:                                        "task.index is missing",
		`{"cluster": {"worker": ["a:1", "b:2"]}}`:                                                                    "task.type is missing",
		`{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "evaluator", "index": 0}}`:                         "workers only",
		`{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "chief", "index": 0}}`:                             "cluster.chief has 0",
		`{"cluster": {"worker": ["a:1"], "ps": ["b:2"]}, "task": {"type": "worker", "index": 0}}`:                    "cluster.ps",
		`{"cluster": {"chief": ["a:1", "c:1"], "worker": ["b:2"]}, "task": {"type": "worker", "index": 0}}`:          "one chief",
		`{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}, "rpc_layer": "grpc+verbs"}`: "rpc_layer",
	} {
		if c, err := ParseCluster([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %q", text, c, err, want)
		}
	}
	t.Setenv(ClusterVariable, "[")
	if _, err := ClusterOfEnvironment(); err == nil || !strings.HasPrefix(err.Error(), "TF_CONFIG: ") {
		t.Errorf("%v", err)
	}
	t.Setenv(ClusterVariable, " ")
	if c, err := ClusterOfEnvironment(); err != nil || c != nil {
		t.Errorf("%v, %v", c, err)
	}
}

func FuzzParseCluster(f *testing.F) {
	f.Add(`{"cluster": {"chief": ["c:3"], "worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": "0"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCluster([]byte(text)); err == nil && c != nil && (c.Size() < 2 || c.Rank < 0 || c.Rank >= c.Size()) {
			t.Errorf("%q: %+v", text, c)
		}
	})
}
