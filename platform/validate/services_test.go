package validate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServices(t *testing.T) {
	t.Parallel()
	held := objects{"Service orders/pods": {}, "Service orders/store": {}}
	cases := []struct {
		name, text string
		want       []Problem
	}{
		{"known", "a: pods.orders.svc.cluster.local:8080", nil},
		{"a pod of a known one", "a: store-0.store.orders.svc", nil},
		{"a comment", "  # pod.other.svc", nil},
		{"the cluster's own", "https://kubernetes.default.svc kube-dns.kube-system.svc.cluster.local", nil},
		{"outside", "gateway.hub.dualtrack.internal", nil},
		{"unknown", "\nurl: http://pods-a.orders.svc.cluster.local", []Problem{{File: "/a.yaml", Line: 2,
			Message: "names the Service orders/pods-a, which the cluster does not have; mend the name, or turn on the component that brings it"}}},
	}
	s := Subject{Args: []string{"--peer=store-0.store.orders.svc:1", "--peer=lost-0.lost.orders.svc:1"}}
	s.services(held)
	if len(s.Problems) != 1 || s.Problems[0].Path != s.Args[1] {
		t.Errorf("of the arguments %v it refuses %v", s.Args, s.Problems)
	}
	for _, c := range cases {
		s := Subject{Files: map[string]string{"/a.yaml": c.text}}
		s.services(held)
		if diff := cmp.Diff(c.want, s.Problems); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
