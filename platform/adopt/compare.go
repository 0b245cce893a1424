package adopt

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// most differing fields that are told of one object.
const most = 5

// identity tells an object again: two versions of a kind are one object.
type identity struct{ group, kind, namespace, name string }

func identify(o *unstructured.Unstructured) identity {
	group, _, versioned := strings.Cut(o.GetAPIVersion(), "/")
	if !versioned {
		group = ""
	}
	return identity{group, o.GetKind(), o.GetNamespace(), o.GetName()}
}

func (i identity) object() finding.Object {
	api := "v1"
	if i.group != "" {
		api = i.group + "/"
	}
	return finding.Object{APIVersion: api, Kind: i.kind, Namespace: i.namespace, Name: i.name}
}

// placesOf says where the objects of a cluster stand in the repository that is
// taken over.
func placesOf(r *render.Result, cluster string) map[identity]finding.Position {
	out := map[identity]finding.Position{}
	for _, b := range r.Bundles {
		if b.Cluster != cluster {
			continue
		}
		for _, o := range b.Objects {
			out[identify(o.Unstructured)] = o.Source
		}
	}
	return out
}

// compare holds what an engine renders against a bundle.
func compare(cluster string, theirs []*unstructured.Unstructured, ours *render.Bundle, at map[identity]finding.Position) Compared {
	c := Compared{Cluster: cluster}
	placed := func(id identity) finding.Position {
		if where, ok := at[id]; ok {
			return where
		}
		id.namespace = "" // it names none itself
		return at[id]
	}
	mine := map[identity]*unstructured.Unstructured{}
	if ours != nil {
		for _, o := range ours.Objects {
			mine[identify(o.Unstructured)] = withoutLabel(o.Unstructured)
		}
		for _, n := range ours.NotRendered {
			c.Differences = append(c.Differences, Difference{What: "component " + n.Component + " does not render: " + n.Err.Error()})
		}
	}
	for _, o := range theirs {
		id := identify(o)
		c.Objects++
		other, there := mine[id]
		delete(mine, id)
		switch diff := fields(normal(o), normal(other)); {
		case !there:
			c.Differences = append(c.Differences, Difference{Object: id.object(), Position: placed(id), What: "is not in the catalog"})
		case len(diff) > 0:
			c.Differences = append(c.Differences, Difference{Object: id.object(), Position: placed(id), What: "differs in " + strings.Join(diff, ", ")})
		default:
			c.Equal++
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(mine), func(a, b identity) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) {
		c.Differences = append(c.Differences, Difference{Object: id.object(), What: "is in the catalog alone"})
	}
	return c
}

// withoutLabel is an object without the label that every object of a bundle
// carries.
func withoutLabel(o *unstructured.Unstructured) *unstructured.Unstructured {
	o = o.DeepCopy()
	labels := o.GetLabels()
	delete(labels, render.ComponentLabel)
	if o.SetLabels(labels); len(labels) == 0 {
		unstructured.RemoveNestedField(o.Object, "metadata", "labels")
	}
	return o
}

// normal is an object in the number types of JSON, without empty metadata.
func normal(o *unstructured.Unstructured) any {
	if o == nil {
		return nil
	}
	data, err := json.Marshal(o.Object)
	var out map[string]any
	if err != nil || json.Unmarshal(data, &out) != nil {
		return o.Object
	}
	if meta, ok := out["metadata"].(map[string]any); ok {
		for _, field := range []string{"labels", "annotations"} {
			if m, ok := meta[field].(map[string]any); ok && len(m) == 0 || meta[field] == nil {
				delete(meta, field)
			}
		}
		delete(meta, "creationTimestamp")
	}
	return out
}

// fields names the first fields in which two objects differ; no value is told.
func fields(a, b any) []string {
	var out []string
	var walk func(at string, a, b any)
	walk = func(at string, a, b any) {
		if len(out) >= most || reflect.DeepEqual(a, b) {
			return
		}
		left, ok := a.(map[string]any)
		right, both := b.(map[string]any)
		if ok && both {
			keys := map[string]bool{}
			for _, m := range []map[string]any{left, right} {
				for k := range m {
					keys[k] = true
				}
			}
			for _, k := range slices.Sorted(maps.Keys(keys)) {
				walk(strings.TrimPrefix(at+"."+k, "."), left[k], right[k])
			}
			return
		}
		l, ok := a.([]any)
		r, both := b.([]any)
		if ok && both && len(l) == len(r) {
			for i := range l {
				walk(fmt.Sprintf("%s[%d]", at, i), l[i], r[i])
			}
			return
		}
		out = append(out, at)
	}
	walk("", a, b)
	return out
}
