package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/fluxcd/cli-utils/pkg/object"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
)

// Where the inventory stands in every cluster.
const (
	InventoryName      = "dualtrack-inventory"
	InventoryNamespace = cluster.SystemNamespace
)

// Keys of the inventory's ConfigMap. The first holds Flux's ResourceInventory,
// so that Flux's own tools can read it.
const (
	keyInventory  = "inventory"
	keyComponents = "components"
	keyKept       = "kept"
	keyBundle     = "bundle"
	keyCluster    = "cluster"
)

// Inventory is what Dualtrack applied to a cluster, kept in the cluster.
type Inventory struct {
	Cluster string  // the cluster's name; "" before the first apply
	Digest  string  // the last bundle that was applied as a whole
	Entries []Entry // in apply order
}

// Entry is one object of the inventory.
type Entry struct {
	Object    finding.Object
	Component string
	Kept      string // why it stays though it left the bundle; "" otherwise
}

// ID is the entry's identity in Flux's form. It holds no version: an object
// that moves to another API version stays the same object.
func (e Entry) ID() string { return objectID(e.Object) }

func objectID(o finding.Object) string {
	return object.ObjMetadata{
		Namespace: o.Namespace, Name: o.Name,
		GroupKind: schema.GroupKind{Group: o.Group(), Kind: o.Kind},
	}.String()
}

// ReadInventory reads the cluster's inventory; an empty one when there is none yet.
func ReadInventory(ctx context.Context, c client.Reader) (Inventory, error) {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion("v1")
	u.SetKind("ConfigMap")
	err := c.Get(ctx, client.ObjectKey{Namespace: InventoryNamespace, Name: InventoryName}, u)
	if apierrors.IsNotFound(err) {
		return Inventory{}, nil
	}
	if err != nil {
		return Inventory{}, fmt.Errorf("inventory: %w", err)
	}
	data, _, err := unstructured.NestedStringMap(u.Object, "data")
	if err != nil {
		return Inventory{}, fmt.Errorf("inventory: %w", err)
	}
	return ParseInventory(data)
}

// ParseInventory reads the data of the inventory's ConfigMap.
func ParseInventory(data map[string]string) (Inventory, error) {
	inv := Inventory{Cluster: data[keyCluster], Digest: data[keyBundle]}
	var list kustomizev1.ResourceInventory
	components, kept := map[string]string{}, map[string]string{}
	for key, into := range map[string]any{keyInventory: &list, keyComponents: &components, keyKept: &kept} {
		if data[key] == "" {
			continue
		}
		if err := json.Unmarshal([]byte(data[key]), into); err != nil {
			return Inventory{}, fmt.Errorf("inventory: ConfigMap %s/%s: key %s: %w", InventoryNamespace, InventoryName, key, err)
		}
	}
	for _, ref := range list.Entries {
		id, err := object.ParseObjMetadata(ref.ID)
		if err != nil {
			return Inventory{}, fmt.Errorf("inventory: ConfigMap %s/%s: %w", InventoryNamespace, InventoryName, err)
		}
		gv := schema.GroupVersion{Group: id.GroupKind.Group, Version: ref.Version}
		inv.Entries = append(inv.Entries, Entry{
			Object:    finding.Object{APIVersion: gv.String(), Kind: id.GroupKind.Kind, Namespace: id.Namespace, Name: id.Name},
			Component: components[ref.ID],
			Kept:      kept[ref.ID],
		})
	}
	return inv, nil
}

// Data is the inventory as its ConfigMap's data; ParseInventory reads it back.
func (inv Inventory) Data() (map[string]string, error) {
	list := kustomizev1.ResourceInventory{Entries: []kustomizev1.ResourceRef{}}
	components, kept := map[string]string{}, map[string]string{}
	for _, e := range inv.Entries {
		gv, err := schema.ParseGroupVersion(e.Object.APIVersion)
		if err != nil {
			return nil, fmt.Errorf("inventory: %s: %w", e.Object, err)
		}
		list.Entries = append(list.Entries, kustomizev1.ResourceRef{ID: e.ID(), Version: gv.Version})
		if e.Component != "" {
			components[e.ID()] = e.Component
		}
		if e.Kept != "" {
			kept[e.ID()] = e.Kept
		}
	}
	data := map[string]string{keyCluster: inv.Cluster, keyBundle: inv.Digest}
	for key, v := range map[string]any{keyInventory: list, keyComponents: components, keyKept: kept} {
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("inventory: %w", err)
		}
		data[key] = string(raw)
	}
	return data, nil
}

// inventory is the bundle's own, with what stays of the old one: the objects of
// components that did not render, and withheld ones that an earlier run applied.
func (p *plan) inventory(old Inventory) Inventory {
	inv := Inventory{Cluster: old.Cluster, Digest: old.Digest}
	for _, e := range old.Entries {
		if p.retains(e) {
			inv.Entries = append(inv.Entries, e)
		}
	}
	for _, s := range p.steps {
		for _, o := range s.objects {
			inv.Entries = append(inv.Entries, Entry{Object: o.Ref(), Component: o.Component})
		}
	}
	return inv
}

func (p *plan) retains(e Entry) bool {
	id := e.ID()
	if p.applied[id] {
		return false // it is listed with the bundle's objects
	}
	isWithheld := func(w Withheld) bool { return objectID(w.Object) == id }
	return p.failed[e.Component] || slices.ContainsFunc(p.withheld, isWithheld)
}

// leaving are the old entries that the bundle no longer holds, newest first.
func (p *plan) leaving(old Inventory) []Entry {
	stays := map[string]bool{}
	for _, e := range p.inventory(old).Entries {
		stays[e.ID()] = true
	}
	var out []Entry
	for _, e := range slices.Backward(old.Entries) {
		if !stays[e.ID()] {
			out = append(out, e)
		}
	}
	return out
}

// union is every entry of both, the old ones first, so that a run that is cut
// off loses track of nothing.
func (inv Inventory) union(next Inventory) Inventory {
	in := map[string]bool{}
	for _, e := range next.Entries {
		in[e.ID()] = true
	}
	out := Inventory{Cluster: inv.Cluster, Digest: inv.Digest}
	for _, e := range inv.Entries {
		if !in[e.ID()] {
			out.Entries = append(out.Entries, e)
		}
	}
	out.Entries = append(out.Entries, next.Entries...)
	return out
}

// sameEntries says that both know the same objects.
func sameEntries(a, b Inventory) bool {
	ids := func(inv Inventory) []string {
		out := make([]string, 0, len(inv.Entries))
		for _, e := range inv.Entries {
			out = append(out, e.ID())
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(ids(a), ids(b))
}

// writeInventory writes the inventory if it changed, and its namespace first.
func (a *Applier) writeInventory(ctx context.Context, p *plan, inv Inventory) error {
	data, err := inv.Data()
	if err != nil {
		return err
	}
	namespace := inventoryNamespace(p)
	if _, err := a.manager.Apply(ctx, namespace, a.options(p, namespace)); err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	cm := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": InventoryName, "namespace": InventoryNamespace,
			"labels": map[string]any{"app.kubernetes.io/managed-by": FieldManager},
		},
	}}
	if err := unstructured.SetNestedStringMap(cm.Object, data, "data"); err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	if _, err := a.manager.Apply(ctx, cm, a.options(p, cm)); err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	return nil
}

// inventoryNamespace is the bundle's own object where the bundle holds one, so
// that the two never write over each other.
func inventoryNamespace(p *plan) *unstructured.Unstructured {
	for _, o := range p.bundle.Objects {
		if o.GetAPIVersion() == "v1" && o.GetKind() == "Namespace" && o.GetName() == InventoryNamespace {
			return desired(o)
		}
	}
	return &unstructured.Unstructured{Object: cluster.SystemNamespaceObject()}
}
