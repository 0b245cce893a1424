package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
)

func TestSelect(t *testing.T) {
	t.Parallel()
	cat := &catalog.Catalog{Fleet: &catalog.Fleet{}}
	cat.Fleet.Spec.Waves = []catalog.Wave{{Name: "canary", Clusters: []string{"a"}}, {Name: "rest", Clusters: []string{"b"}}}
	cat.Clusters = []*catalog.Cluster{
		{Name: "hub", Spec: catalog.ClusterSpec{Role: catalog.Hub, Profile: "hub"}},
		{Name: "a", Labels: catalog.Labels{"continent": "europe"}, Spec: catalog.ClusterSpec{Role: catalog.Edge, Profile: "tiny", Site: catalog.Site{Zone: "a-1", Labels: catalog.Labels{"store": "harbour"}}}},
		{Name: "b", Labels: catalog.Labels{"continent": "asia", "role": "spare"}, Spec: catalog.ClusterSpec{Role: catalog.Edge, Profile: "small"}},
	}
	for selector, want := range map[string][]string{
		"":                             {"hub", "a", "b"},
		"role=edge":                    {"a", "b"},
		"role!=hub,continent=asia":     {"b"},
		"store":                        {"a"},
		"zone in (a-1, b-1)":           {"a"},
		"wave=rest":                    {"b"},
		"wave!=canary":                 {"hub", "b"}, // the hub is in no wave
		"!wave":                        {"hub"},
		"profile notin (tiny), !store": {"hub", "b"},
		"continent=mars":               nil,
	} {
		got, err := cat.Select(selector)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", selector, err, diff)
		}
	}
	if _, err := cat.Select("role=="); err == nil {
		if _, err = cat.Select("role in"); err == nil {
			t.Error("a broken selector has no error")
		}
	}
}
