package tf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ClusterVariable is the environment variable that names the machines of a run,
// as TensorFlow, Kubeflow and others set it.
const ClusterVariable = "TF_CONFIG"

// Cluster says which processes train together and which of them this one is.
type Cluster struct {
	// Workers are the addresses host:port by rank. Rank 0 is the chief.
	Workers []string
	// Rank of this process.
	Rank int
}

// Size is the number of processes.
func (c Cluster) Size() int { return len(c.Workers) }

// Chief reports whether this process owns what there is only one of: the run's
// folder, what a person reads.
func (c Cluster) Chief() bool { return c.Rank == 0 }

// Together is the number of processes on this one's machine, itself among them, as
// far as their hosts' names tell.
func (c Cluster) Together() int {
	own, n := hostOf(c.Workers[c.Rank]), 0
	for _, address := range c.Workers {
		if hostOf(address) == own {
			n++
		}
	}
	return n
}

// hostOf is an address's host, one and the same for all names of the loopback.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost") {
		return "localhost"
	}
	return strings.ToLower(host)
}

// maxWorkers bounds a cluster.
const maxWorkers = 1 << 14

// ClusterOfEnvironment reads TF_CONFIG. The cluster is nil where it is not set,
// or names one process alone.
func ClusterOfEnvironment() (*Cluster, error) {
	text := os.Getenv(ClusterVariable)
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	c, err := ParseCluster([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ClusterVariable, err)
	}
	return c, nil
}

// clusterText is TF_CONFIG's form. What else stands in it is for other programs.
type clusterText struct {
	Cluster map[string]json.RawMessage `json:"cluster"`
	Task    struct {
		Type  string          `json:"type"`
		Index json.RawMessage `json:"index"`
	} `json:"task"`
	RPC string `json:"rpc_layer"`
}

// ParseCluster reads the text of TF_CONFIG:
//
//	{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 1}}
//
// A "chief" of one address comes before the workers. The cluster is nil where
// there is one process alone. Parameter servers and evaluators are refused: all
// processes train alike, and the chief validates.
func ParseCluster(text []byte) (*Cluster, error) {
	var parsed clusterText
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&parsed); err != nil {
		return nil, fmt.Errorf("it is no JSON of the form {\"cluster\": {\"worker\": [\"HOST:PORT\", ...]}, \"task\": {\"type\": \"worker\", \"index\": 0}}: %w", err)
	}
	if d.More() {
		return nil, errors.New("something stands behind its JSON")
	}
	if parsed.RPC != "" && parsed.RPC != "grpc" {
		return nil, fmt.Errorf("rpc_layer is %q: workers talk by grpc alone", parsed.RPC)
	}
	chiefs, err := addresses(parsed.Cluster, "chief")
	if err != nil {
		return nil, err
	}
	workers, err := addresses(parsed.Cluster, "worker")
	if err != nil {
		return nil, err
	}
	if err := onlyWorkers(parsed.Cluster, chiefs); err != nil {
		return nil, err
	}
	c := &Cluster{Workers: append(chiefs, workers...)}
	if err := c.checkAddresses(); err != nil {
		return nil, err
	}
	if len(c.Workers) == 0 {
		return nil, nil
	}
	if c.Rank, err = rankOf(parsed, len(chiefs), len(workers)); err != nil {
		return nil, err
	}
	if len(c.Workers) == 1 {
		return nil, nil
	}
	return c, nil
}

// addresses are those of a kind of task, by index.
func addresses(cluster map[string]json.RawMessage, kind string) ([]string, error) {
	var list []string
	if text, ok := cluster[kind]; ok {
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, fmt.Errorf("cluster.%s must be a list of addresses HOST:PORT: %w", kind, err)
		}
	}
	return list, nil
}

func onlyWorkers(cluster map[string]json.RawMessage, chiefs []string) error {
	if len(chiefs) > 1 {
		return fmt.Errorf("cluster.chief has %d addresses: there is one chief", len(chiefs))
	}
	kinds := make([]string, 0, len(cluster))
	for kind := range cluster {
		if kind != "chief" && kind != "worker" {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		list, err := addresses(cluster, kind)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			return fmt.Errorf("cluster.%s: there are workers only, which all train alike; the first of them keeps the run and validates", kind)
		}
	}
	return nil
}

func (c *Cluster) checkAddresses() error {
	if n := len(c.Workers); n > maxWorkers {
		return fmt.Errorf("the cluster has %d workers, %d at most", n, maxWorkers)
	}
	seen := map[string]int{}
	for i, address := range c.Workers {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return fmt.Errorf("worker %d: %q is no address HOST:PORT: %w", i, address, err)
		}
		// The address becomes part of TensorFlow's own texts.
		if host == "" || strings.ContainsAny(address, ", \t\r\n/;|") {
			return fmt.Errorf("worker %d: %q names no host that others could reach", i, address)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("worker %d: %q has no port from 1 to 65535", i, address)
		}
		if first, ok := seen[address]; ok {
			return fmt.Errorf("workers %d and %d have the same address %s", first, i, address)
		}
		seen[address] = i
	}
	return nil
}

// rankOf is the place of the task among chief and workers.
func rankOf(parsed clusterText, chiefs, workers int) (int, error) {
	kind := parsed.Task.Type
	before, count := chiefs, workers
	switch kind {
	case "worker":
	case "chief":
		before, count = 0, chiefs
	case "":
		return 0, errors.New("task.type is missing: worker")
	default:
		return 0, fmt.Errorf("task.type is %q: there are workers only", kind)
	}
	index := strings.Trim(string(parsed.Task.Index), `"`)
	if index == "" || index == "null" {
		return 0, errors.New("task.index is missing: the number of this process among the workers, from 0")
	}
	n, err := strconv.Atoi(index)
	if err != nil || n < 0 || n >= count {
		return 0, fmt.Errorf("task.index is %s, but cluster.%s has %d addresses (indices from 0)", index, kind, count)
	}
	return before + n, nil
}
