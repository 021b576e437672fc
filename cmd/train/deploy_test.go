package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/tf"
)

const installed = "/opt/prioritycut/bin/train"

// jobText is what the test needs of a Kubernetes Job; cmd/train/kubernetes reads all
// of it.
type jobText struct {
	Metadata struct{ Name string }
	Spec     struct {
		Completions int
		Template    struct {
			Spec struct {
				Subdomain  string
				Containers []struct {
					Command, Args []string
					Env           []struct{ Name, Value string }
					Ports         []struct {
						ContainerPort int `yaml:"containerPort"`
					}
				}
			}
		}
	}
}

// TestManifest runs the lines of the Kubernetes example as each of its workers
// does: TF_CONFIG names all of them, and the program takes the flags.
func TestManifest(t *testing.T) {
	text, err := os.ReadFile("../../examples/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job jobText
	if err := yaml.Unmarshal(text, &job); err != nil { // the first of its documents
		t.Fatal(err)
	}
	pod := job.Spec.Template.Spec
	container := pod.Containers[0]
	instead := filepath.Join(t.TempDir(), "train")
	if err := os.WriteFile(instead, []byte("#!/bin/sh\nprintf '%s\\n' \"$TF_CONFIG\" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if strings.Count(container.Args[0], installed) != 1 {
		t.Fatalf("the program is not %s:\n%s", installed, container.Args[0])
	}
	var want []string
	for rank := range job.Spec.Completions {
		want = append(want, fmt.Sprintf("%s-%d.%s:%d", job.Metadata.Name, rank, pod.Subdomain, container.Ports[0].ContainerPort))
	}
	for rank := range job.Spec.Completions {
		c := exec.Command(container.Command[0], append(container.Command[1:], strings.Replace(container.Args[0], installed, instead, 1))...)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "JOB_COMPLETION_INDEX=" + strconv.Itoa(rank)}
		for _, v := range container.Env {
			c.Env = append(c.Env, v.Name+"="+v.Value)
		}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("worker %d: %v\n%s", rank, err, out)
		}
		said := strings.Split(strings.TrimSpace(string(out)), "\n")
		cluster, err := tf.ParseCluster([]byte(said[0]))
		if err != nil || cluster == nil || cluster.Rank != rank || strings.Join(cluster.Workers, " ") != strings.Join(want, " ") {
			t.Fatalf("worker %d: %+v, %v, of %s", rank, cluster, err, said[0])
		}
		takes(t, said[1:], cluster.Size())
	}
}

// takes checks that a command line makes a run of so many workers.
func takes(t *testing.T, line []string, workers int) {
	t.Helper()
	c, flags, _ := command()
	if _, _, err := c.Parse(line); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	resolved, _, err := config.Resolve(config.Options{Preset: flags.Preset, Sets: flags.Set, Data: flags.Data, VGG19: flags.VGG19, AllowMissing: true})
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if n := resolved.Train.BatchSize; n%workers != 0 {
		t.Errorf("%q: %d workers cannot share a batch of %d", line, workers, n)
	}
}
