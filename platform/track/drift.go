package track

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/finding"
)

// Class says how live and bundle drifted apart.
type Class string

// The classes of drift.
const (
	DriftDiffers   Class = "differs"
	DriftMissing   Class = "missing"
	DriftExtra     Class = "extra"     // in the inventory, no longer in the bundle
	DriftUnmanaged Class = "unmanaged" // in a namespace of the bundle, applied by nobody here
)

// Drifted is one object that is not as the bundle says.
type Drifted struct {
	Object    finding.Object `json:"object"`
	Component string         `json:"component,omitempty"`
	Class     Class          `json:"class"`
	Fields    []Field        `json:"fields,omitempty"` // what either track saw
	// Writer is the newest writer of an extra or unmanaged object. Of a missing
	// one it is unknown: nothing on a cluster tells who deleted.
	Writer   Writer    `json:"writer,omitzero"`
	Verdicts []Verdict `json:"verdicts,omitempty"` // each track's word
	// Desired and Live are what rules judge, Secret values masked; nil when the
	// one or the other is not there.
	Desired *unstructured.Unstructured `json:"-"`
	Live    *unstructured.Unstructured `json:"-"`
}

// Drift joins both tracks' verdicts into one entry for each object that either
// of them sees out of sync, in the verdicts' order.
func Drift(in Input, verdicts ...[]Verdict) []Drifted {
	desired := map[finding.Object]*unstructured.Unstructured{}
	for _, o := range in.Objects {
		desired[o.Ref()] = o.Unstructured
	}
	at := map[finding.Object]int{}
	var out []Drifted
	for _, list := range verdicts {
		for _, v := range list {
			class, drifted := classOf(v.Sync)
			i, seen := at[v.Object]
			if !seen {
				i = len(out)
				at[v.Object] = i
				live := in.Live.Objects[v.Object]
				out = append(out, Drifted{
					Object: v.Object, Component: v.Component,
					Desired: MaskSecret(desired[v.Object]), Live: MaskSecret(live),
				})
				if class == DriftExtra {
					out[i].Writer = Creator(live)
				}
			}
			if drifted && out[i].Class == "" {
				out[i].Class = class
			}
			out[i].Fields = mergeFields(out[i].Fields, v.Fields)
			out[i].Verdicts = append(out[i].Verdicts, v)
		}
	}
	return slices.DeleteFunc(out, func(d Drifted) bool { return d.Class == "" })
}

func classOf(s Sync) (Class, bool) {
	switch s {
	case Differs:
		return DriftDiffers, true
	case Missing:
		return DriftMissing, true
	case Extra:
		return DriftExtra, true
	case InSync, SyncUnknown:
	}
	return "", false
}

// mergeFields adds the fields that are not told yet, by pointer.
func mergeFields(all, more []Field) []Field {
	for _, f := range more {
		same := func(g Field) bool { return g.Pointer == f.Pointer }
		if !slices.ContainsFunc(all, same) {
			all = append(all, f)
		}
	}
	return all
}

// unmanagedMost bounds the objects read of one kind.
const unmanagedMost = 5000

// OwnedNamespaces are those that the bundle itself creates.
func OwnedNamespaces(in Input) []string {
	var out []string
	for _, o := range in.Objects {
		if o.GetAPIVersion() == "v1" && o.GetKind() == "Namespace" {
			out = append(out, o.GetName())
		}
	}
	return out
}

// Unmanaged lists what stands in the bundle's own namespaces and nobody here
// applied: no owner, not in bundle or inventory, and not what the cluster makes
// by itself. Only metadata is read. Kinds that may not be listed are left out.
func (c *Client) Unmanaged(ctx context.Context, in Input) ([]Drifted, error) {
	owned := OwnedNamespaces(in)
	if len(owned) == 0 {
		return nil, nil
	}
	kinds, err := c.listable()
	if err != nil {
		return nil, fmt.Errorf("cluster %s: discovery: %w", c.Name, err)
	}
	client, err := metadata.NewForConfigAndClient(c.config, c.http)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: client: %w", c.Name, err)
	}
	known := map[finding.Object]bool{}
	for _, o := range in.Objects {
		known[identity(o.Ref())] = true
	}
	for _, o := range slices.Concat(in.Inventory, in.Withheld) {
		known[identity(o)] = true
	}
	found := make([][]Drifted, len(kinds))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, k := range kinds {
		group.Go(func() error {
			list, err := listAll(gctx, client, k)
			if err != nil {
				return c.lost(finding.Object{APIVersion: k.GroupVersion().String(), Kind: k.kind}, err)
			}
			for _, m := range list {
				o := finding.Object{APIVersion: k.GroupVersion().String(), Kind: k.kind, Namespace: m.Namespace, Name: m.Name}
				if slices.Contains(owned, m.Namespace) && !known[identity(o)] && !byItself(k.kind, m) {
					found[i] = append(found[i], unmanaged(o, m))
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	out := slices.Concat(found...)
	slices.SortFunc(out, func(a, b Drifted) int { return cmp.Compare(a.Object.String(), b.Object.String()) })
	return out, nil
}

func unmanaged(o finding.Object, m *metav1.PartialObjectMetadata) Drifted {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetAPIVersion(o.APIVersion)
	u.SetKind(o.Kind)
	u.SetNamespace(m.Namespace)
	u.SetName(m.Name)
	u.SetLabels(m.Labels)
	u.SetManagedFields(m.ManagedFields)
	return Drifted{Object: o, Class: DriftUnmanaged, Writer: Creator(u), Live: u}
}

// served is a namespaced kind that can be listed, once.
type served struct {
	schema.GroupVersionResource
	kind string
}

// listable are the kinds that people create in namespaces. Events, leases and
// endpoints come and go by themselves.
func (c *Client) listable() ([]served, error) {
	d, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, c.http)
	if err != nil {
		return nil, err
	}
	lists, err := d.ServerPreferredNamespacedResources()
	if _, some := errors.AsType[*discovery.ErrGroupDiscoveryFailed](err); err != nil && !some {
		return nil, err
	}
	var out []served
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // no resource can be asked for under such a name
		}
		for _, r := range list.APIResources {
			verbs := func(v string) bool { return slices.Contains(r.Verbs, v) }
			if slices.Contains([]string{"Event", "Lease", "Endpoints", "EndpointSlice"}, r.Kind) || !verbs("list") || !verbs("create") || !verbs("delete") {
				continue
			}
			out = append(out, served{gv.WithResource(r.Name), r.Kind})
		}
	}
	slices.SortFunc(out, func(a, b served) int { return cmp.Compare(a.String(), b.String()) })
	return out, nil
}

func listAll(ctx context.Context, client metadata.Interface, k served) ([]*metav1.PartialObjectMetadata, error) {
	var out []*metav1.PartialObjectMetadata
	options := metav1.ListOptions{Limit: 500}
	for {
		list, err := client.Resource(k.GroupVersionResource).List(ctx, options)
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			out = append(out, &list.Items[i])
		}
		if options.Continue = list.Continue; options.Continue == "" || len(out) >= unmanagedMost {
			return out, nil
		}
	}
}

// byItself says that the cluster made the object without anybody asking.
func byItself(kind string, m *metav1.PartialObjectMetadata) bool {
	switch {
	case len(m.OwnerReferences) > 0:
		return true
	case kind == "ConfigMap" && (m.Name == "kube-root-ca.crt" || m.Name == apply.InventoryName):
		return true
	case kind == "ServiceAccount" && m.Name == "default":
		return true
	case kind == "Secret":
		_, token := m.Annotations["kubernetes.io/service-account.name"]
		return token || strings.HasPrefix(m.Name, "sh.helm.release.")
	}
	foreign := func(e metav1.ManagedFieldsEntry) bool {
		return !slices.Contains([]string{"kube-controller-manager", "kube-scheduler", "kube-apiserver", "kubelet"}, e.Manager)
	}
	return len(m.ManagedFields) > 0 && !slices.ContainsFunc(m.ManagedFields, foreign)
}
