// Package kubernetes reads the manifest in examples with Kubernetes' own types.
// It is a module of its own: nothing else here needs them.
package kubernetes

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strconv"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// decode reads one object as a cluster does that validates strictly: fields that
// its type does not have, in another case or twice, are errors. The YAML package
// alone would take them in any case.
func decode(text []byte, object any) error {
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	unknown, err := json.UnmarshalStrict(asJSON, object)
	return errors.Join(append(unknown, err)...)
}

// manifest decodes all objects of the example.
func manifest(t *testing.T) (job batchv1.Job, service corev1.Service, policy networkingv1.NetworkPolicy) {
	t.Helper()
	text, err := os.ReadFile("../../../examples/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, one := range bytes.Split(text, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(one, &kind); err != nil {
			t.Fatal(err)
		}
		name := kind.GroupVersionKind().String()
		seen[name]++
		object := map[string]any{
			"batch/v1, Kind=Job": &job, "/v1, Kind=Service": &service, "networking.k8s.io/v1, Kind=NetworkPolicy": &policy,
		}[name]
		if object == nil {
			t.Fatalf("unknown: %s", name)
		}
		if err := decode(one, object); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if len(seen) != 3 {
		t.Fatalf("it has %v", seen)
	}
	return job, service, policy
}

// TestStrict: a field that there is not is an error.
func TestStrict(t *testing.T) {
	for _, text := range []string{
		"spec: {completionmode: Indexed}", "spec: {completions: 1, completions: 2}", "spec: {completions: \"8\"}", "spec: {template: {spec: {subDomain: a}}}",
	} {
		if err := decode([]byte(text), &batchv1.Job{}); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

// TestJob: each worker has an index, a name of its own, and starts again.
func TestJob(t *testing.T) {
	job, service, _ := manifest(t)
	s, pod := job.Spec, job.Spec.Template.Spec
	if s.CompletionMode == nil || *s.CompletionMode != batchv1.IndexedCompletion || s.Completions == nil || s.Parallelism == nil || *s.Completions != *s.Parallelism {
		t.Errorf("completions: %+v", s)
	}
	if s.BackoffLimit == nil || *s.BackoffLimit < *s.Completions || pod.RestartPolicy != corev1.RestartPolicyOnFailure {
		t.Errorf("one death of all workers is not outlived: %v, %s", s.BackoffLimit, pod.RestartPolicy)
	}
	if pod.Subdomain != service.Name || service.Spec.ClusterIP != corev1.ClusterIPNone || !service.Spec.PublishNotReadyAddresses {
		t.Errorf("no names for workers: %q, %+v", pod.Subdomain, service.Spec)
	}
	last := job.Name + "-" + strconv.Itoa(int(*s.Completions)-1)
	if found := append(validation.IsDNS1123Label(last), validation.IsDNS1035Label(service.Name)...); len(found) > 0 {
		t.Error(found)
	}
	if len(pod.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Containers))
	}
	c := pod.Containers[0]
	if want := []corev1.EnvVar{{Name: "WORKERS", Value: strconv.Itoa(int(*s.Completions))}}; !slices.Equal(c.Env, want) {
		t.Errorf("environment %v, want %v", c.Env, want)
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
		if request, limit := c.Resources.Requests[name], c.Resources.Limits[name]; request.IsZero() || request.Cmp(limit) != 0 {
			t.Errorf("%s: %v, %v", name, &request, &limit)
		}
	}
	var volumes, mounted []string
	for _, v := range pod.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, m := range c.VolumeMounts {
		mounted = append(mounted, m.Name)
	}
	if !slices.Equal(volumes, mounted) {
		t.Errorf("volumes %v, mounted %v", volumes, mounted)
	}
	if security := c.SecurityContext; security == nil || security.ReadOnlyRootFilesystem == nil || !*security.ReadOnlyRootFilesystem || *pod.AutomountServiceAccountToken {
		t.Errorf("%+v", security)
	}
}

// TestWhoMayEnter: the workers' port is open for workers, and for nobody else.
func TestWhoMayEnter(t *testing.T) {
	job, service, policy := manifest(t)
	own := labels.Set(job.Spec.Template.Labels)
	port := job.Spec.Template.Spec.Containers[0].Ports[0]
	if p := service.Spec.Ports; len(p) != 1 || p[0].Port != port.ContainerPort || p[0].TargetPort != intstr.FromString(port.Name) {
		t.Errorf("the service's ports are %+v, the container's %+v", p, port)
	}
	selects := func(s *metav1.LabelSelector, set labels.Set) bool {
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil {
			t.Fatal(err)
		}
		return selector.Matches(set)
	}
	if !labels.SelectorFromSet(service.Spec.Selector).Matches(own) || !selects(&policy.Spec.PodSelector, own) {
		t.Errorf("service or policy do not mean the workers")
	}
	in := policy.Spec.Ingress
	if !slices.Equal(policy.Spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}) || len(in) != 1 || len(in[0].From) != 1 || len(in[0].Ports) != 1 {
		t.Fatalf("%+v", policy.Spec)
	}
	from := in[0].From[0]
	if from.IPBlock != nil || from.NamespaceSelector != nil || from.PodSelector == nil || !selects(from.PodSelector, own) || selects(from.PodSelector, labels.Set{"app": "other"}) {
		t.Errorf("from %+v", from)
	}
	if p := in[0].Ports[0]; p.Port == nil || p.Port.IntValue() != int(port.ContainerPort) || p.EndPort != nil {
		t.Errorf("port %+v", p)
	}
}
