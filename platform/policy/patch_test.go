package policy

import (
	"encoding/json"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// applied applies an RFC 6902 patch with the library that Kubernetes uses.
func applied(t *testing.T, object map[string]any, patch json.RawMessage) map[string]any {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatalf("patch %s: %v", patch, err)
	}
	text, err = ops.Apply(text)
	if err != nil {
		t.Fatalf("patch %s: %v", patch, err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
