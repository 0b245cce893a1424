package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

func entry(kind, namespace, name, component string) Entry {
	api := map[string]string{"Deployment": "apps/v1", "ClusterRole": "rbac.authorization.k8s.io/v1"}[kind]
	if api == "" {
		api = "v1"
	}
	return Entry{Object: finding.Object{APIVersion: api, Kind: kind, Namespace: namespace, Name: name}, Component: component}
}

func TestInventoryRoundTrip(t *testing.T) {
	t.Parallel()
	inv := Inventory{Cluster: "edge-1", Digest: "sha256:x", Entries: []Entry{
		entry("Namespace", "", "web", "base"), entry("Deployment", "web", "api", "api"), entry("ClusterRole", "", "system:reader:x", ""),
	}}
	inv.Entries[0].Kept = "it holds data"
	data, err := inv.Data()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"entries":[{"id":"_web__Namespace","v":"v1"},{"id":"web_api_apps_Deployment","v":"v1"},` +
		`{"id":"_system__reader__x_rbac.authorization.k8s.io_ClusterRole","v":"v1"}]}`
	if diff := cmp.Diff(want, data[keyInventory]); diff != "" {
		t.Errorf("Flux's form (-want +got):\n%s", diff)
	}
	got, err := ParseInventory(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inv, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestParseInventoryRefuses(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]map[string]string{
		"no JSON": {keyInventory: "{"}, "no identity": {keyInventory: `{"entries":[{"id":"x","v":"v1"}]}`}, "components": {keyComponents: "[]"},
	} {
		if _, err := ParseInventory(data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParseInventory(f *testing.F) {
	f.Add(`{"entries":[{"id":"web_api_apps_Deployment","v":"v1"}]}`, `{"web_api_apps_Deployment":"api"}`, `{}`)
	f.Add(`{"entries":[{"id":"_a__b_rbac.authorization.k8s.io_Role","v":"v1"}]}`, ``, `null`)
	f.Add(`{"entries":null}`, `{"a":"b"}`, `{"a":"b"}`)
	f.Fuzz(func(t *testing.T, list, components, kept string) {
		inv, err := ParseInventory(map[string]string{keyInventory: list, keyComponents: components, keyKept: kept})
		if err != nil {
			return
		}
		data, err := inv.Data()
		if err != nil {
			return // a version that no API server gives
		}
		if again, err := ParseInventory(data); err != nil || len(again.Entries) != len(inv.Entries) {
			t.Errorf("%d entries became %d, %v", len(inv.Entries), len(again.Entries), err)
		}
	})
}

func TestPlanOrder(t *testing.T) {
	t.Parallel()
	b := bundleOf("sha256:o",
		manifest(t, "later", 1, configMap("web", "late", "1")),
		manifest(t, "base", 0, deployment("web", "api", "replicas: 0")),
		manifest(t, "base", 0, configMap("web", "early", "1")),
		manifest(t, "later", 1, namespaceOf("late")),
		manifest(t, "base", 0, namespaceOf("web")),
		manifest(t, "base", 0, "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: h}\n"),
	)
	var got [][]string
	for _, s := range newPlan(b, nil).steps {
		var names []string
		for _, o := range s.objects {
			names = append(names, o.Ref().String())
		}
		got = append(got, names)
	}
	want := [][]string{
		{"Namespace late", "Namespace web"}, {"ConfigMap web/early"}, {"Deployment web/api"}, {"ValidatingWebhookConfiguration h"}, {"ConfigMap web/late"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestLeaving(t *testing.T) {
	t.Parallel()
	old := Inventory{Entries: []Entry{
		entry("Namespace", "", "web", "base"), entry("ConfigMap", "web", "a", "one"), entry("ConfigMap", "web", "b", "two"), entry("ConfigMap", "web", "c", "one"),
	}}
	b := bundleOf("sha256:l", manifest(t, "base", 0, namespaceOf("web")))
	b.NotRendered = []render.NotRendered{{Component: "two"}}
	p := newPlan(b, nil)
	var got []string
	for _, e := range p.leaving(old) {
		got = append(got, e.Object.Name)
	}
	if diff := cmp.Diff([]string{"c", "a"}, got); diff != "" {
		t.Errorf("leaving, newest first (-want +got):\n%s", diff)
	}
	next := p.inventory(old)
	if union := old.union(next); len(union.Entries) != 4 || len(next.Entries) != 2 {
		t.Errorf("union %v, next %v", union.Entries, next.Entries)
	}
}
