package rights_test

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change/rights"
)

// FuzzCompare compares any two lists of objects: nothing panics, and what is the same
// widens nothing.
func FuzzCompare(f *testing.F) {
	f.Add([]byte(`[{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}]`),
		[]byte(`[{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"Group","name":"g"}]}]`))
	f.Fuzz(func(t *testing.T, one, other []byte) {
		before, after := loose(one), loose(other)
		for _, g := range rights.Compare(before, append(after, before...)) {
			if g.Subject == "" || g.What == "" {
				t.Errorf("%+v says too little", g)
			}
		}
		if got := rights.Compare(before, before); len(got) > 0 {
			t.Errorf("nothing differs, and it says %+v", got)
		}
	})
}

// loose reads a list of any objects.
func loose(data []byte) []*unstructured.Unstructured {
	var list []map[string]any
	if json.Unmarshal(data, &list) != nil {
		return nil
	}
	var out []*unstructured.Unstructured
	for _, o := range list {
		out = append(out, &unstructured.Unstructured{Object: o})
	}
	return out
}
