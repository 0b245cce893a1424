package crd_test

import (
	"encoding/json"
	"testing"

	"dualtrack.internal/platform/change/crd"
)

// FuzzCompare compares any two definitions: nothing panics, and what is the same takes
// no less.
func FuzzCompare(f *testing.F) {
	f.Add([]byte(`{"spec":{"versions":[{"name":"v1","storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"a":{"type":"string","allOf":[{"maxLength":2}]}}}}}]}}`),
		[]byte(`{"spec":{"versions":[{"name":"v1","schema":{"openAPIV3Schema":{"type":"object","required":["a"],"properties":{"a":{"type":"array","items":{"enum":[1]}}}}}}]}}`))
	f.Fuzz(func(t *testing.T, one, other []byte) {
		var before, after map[string]any
		if json.Unmarshal(one, &before) != nil || json.Unmarshal(other, &after) != nil {
			return
		}
		for _, n := range crd.Compare(before, after) {
			if n.Why == "" || n.Kind == "" {
				t.Errorf("%+v says too little", n)
			}
		}
		if got := crd.Compare(before, before); len(got) > 0 {
			t.Errorf("nothing differs, and it says %+v", got)
		}
	})
}
