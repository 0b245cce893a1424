package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestPodReasons are the words of those who keep a pod from running.
func TestPodReasons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, status string
		want         []string
	}{
		{"running", "{phase: Running, containerStatuses: [{name: c, state: {running: {}}}]}", nil},
		{"refused by the kubelet", "{phase: Failed, reason: TopologyAffinityError, message: Resources cannot be allocated}",
			[]string{"TopologyAffinityError: Resources cannot be allocated"}},
		{"evicted, nothing said", "{phase: Failed, reason: Evicted}", []string{"Evicted"}},
		{"ended by itself", "{phase: Failed, containerStatuses: [{name: c, state: {terminated: {exitCode: 1, reason: Error}}}]}", nil},
		{"a reason of a pod that runs", "{phase: Running, reason: NodeLost}", nil},
		{"unschedulable, and a container that waits", `{phase: Pending, conditions: [{type: PodScheduled, status: "False", message: no room}],
  initContainerStatuses: [{name: i, state: {waiting: {reason: ErrImagePull, message: none}}}],
  containerStatuses: [{name: c, state: {waiting: {reason: PodInitializing}}}]}`, []string{"no room", "container i: ErrImagePull: none"}},
	} {
		pod := &unstructured.Unstructured{Object: map[string]any{"kind": "Pod"}}
		var status map[string]any
		if err := yaml.Unmarshal([]byte(c.status), &status); err != nil {
			t.Fatal(err)
		}
		pod.Object["status"] = status
		if diff := cmp.Diff(c.want, podReasons(pod)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
