package schema

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// apiServer judges specs of the Widget as the API server's own code does.
func apiServer(t *testing.T) func(spec map[string]any) []string {
	t.Helper()
	raw, _, err := unstructured.NestedMap(widgets(t)[0].Object, "spec")
	if err != nil {
		t.Fatal(err)
	}
	versions := raw["versions"].([]any)
	b, err := json.Marshal(versions[0].(map[string]any)["schema"].(map[string]any)["openAPIV3Schema"])
	if err != nil {
		t.Fatal(err)
	}
	var outer extv1.JSONSchemaProps
	var inner apiextensions.JSONSchemaProps
	if err := json.Unmarshal(b, &outer); err != nil {
		t.Fatal(err)
	}
	if err := extv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&outer, &inner, nil); err != nil {
		t.Fatal(err)
	}
	s, err := structural.NewStructural(&inner)
	if err != nil {
		t.Fatal(err)
	}
	judge, _, err := validation.NewSchemaValidator(&inner)
	if err != nil {
		t.Fatal(err)
	}
	return func(obj map[string]any) []string {
		obj = runtime.DeepCopyJSON(obj)
		why := pruning.PruneWithOptions(obj, s, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
		defaulting.PruneNonNullableNullsWithoutDefaults(obj, s)
		defaulting.Default(obj, s)
		for _, e := range validation.ValidateCustomResource(nil, obj, judge) {
			why = append(why, e.Error())
		}
		for _, e := range objectmeta.Validate(nil, obj, s, true) {
			why = append(why, e.Error())
		}
		for _, e := range listtype.ValidateListSetsAndMaps(nil, s, obj) {
			why = append(why, e.Error())
		}
		return why
	}
}

// generator makes specs of the Widget that are right about half of the time.
type generator struct{ *rand.Rand }

func (g generator) pick(values ...any) any { return values[g.IntN(len(values))] }

func (g generator) scalar() any {
	return g.pick(int64(0), int64(1), int64(3), int64(8), int64(10), -1.0, 0.5, 1.5, 2.0, 0.7, true, nil, "", "a", "red", "RED",
		"fast", "10%", "80", "10.0.0.1", "AAEC", "A", "2024-05-01T10:00:00Z", "2024-05-01", map[string]any{}, []any{}, []any{nil}, "left")
}

func (g generator) object(fields ...string) map[string]any {
	m := map[string]any{}
	for _, f := range fields {
		if g.IntN(2) == 0 {
			m[f] = g.scalar()
		}
	}
	return m
}

func (g generator) list(item func() any) []any {
	out := []any{}
	for range g.IntN(4) {
		out = append(out, item())
	}
	return out
}

func (g generator) spec() map[string]any {
	good := map[string]func() any{
		"size": func() any { return int64(1 + g.IntN(9)) }, "mode": func() any { return g.pick("fast", "slow") },
		"ratio": func() any { return 1.5 }, "pairs": func() any { return g.pick(int64(2), int64(3), 4.0) }, "colour": func() any { return "red" }, "port": func() any { return g.pick(int64(80), "80%") },
		"when": func() any { return "2024-05-01T10:00:00Z" }, "address": func() any { return "10.0.0.1" }, "blob": func() any { return "AAEC" },
		"free": func() any { return g.object("known", "other") }, "anything": g.scalar, "maybe": func() any { return g.pick(nil, "x") },
		"names":  func() any { return g.object("a", "b", "c") },
		"tags":   func() any { return g.list(func() any { return g.pick("a", "b", "c", "d") }) },
		"parts":  func() any { return g.list(func() any { return g.object("name", "side", "weight") }) },
		"choice": func() any { return g.object("a", "b", "c") },
		"range":  func() any { return g.object("low", "high") },
		"template": func() any {
			return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{}, "x": g.scalar()}
		},
	}
	// Their validator lets a list pass for a string that has a format.
	formatted := map[string]bool{"blob": true, "when": true, "address": true}
	spec := map[string]any{}
	for _, field := range slices.Sorted(maps.Keys(good)) {
		value := good[field]
		switch n := g.IntN(40); {
		case n < 30:
		case n == 30:
			spec[field] = g.scalar()
			if _, isList := spec[field].([]any); isList && formatted[field] {
				delete(spec, field)
			}
		default:
			spec[field] = value()
		}
	}
	if g.IntN(4) > 0 {
		spec["size"] = int64(3)
	}
	if g.IntN(20) == 0 {
		spec["colr"] = "red"
	}
	return spec
}

// Custom resources are judged as the API server judges them, CEL apart.
func TestCustomResourcesAgainstTheAPIServer(t *testing.T) {
	t.Parallel()
	judge := apiServer(t)
	v := open(t, baseline(t)).Extend(widgets(t))
	good, bad := 0, 0
	for seed := range uint64(4000) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		obj := map[string]any{
			"apiVersion": "example.org/v1", "kind": "Widget",
			"metadata": map[string]any{"name": "w"}, "spec": g.spec(),
		}
		theirs := judge(obj)
		ours := v.Check(t.Context(), []render.Object{{Unstructured: &unstructured.Unstructured{Object: obj}}})
		if len(theirs) == 0 {
			good++
		} else {
			bad++
		}
		if (len(theirs) == 0) != (len(ours) == 0) {
			b, _ := json.Marshal(obj["spec"])
			t.Errorf("seed %d: %s\nAPI server: %s\nours:\n%s", seed, b, strings.Join(theirs, "; "), lines(ours))
		}
	}
	if good < 400 || bad < 400 {
		t.Errorf("%d good and %d bad objects: the generator tries too little", good, bad)
	}
}

// Whatever the API server's decoder refuses must be a finding. (The converse
// does not hold: enumerations, required fields and repeated keys are not the
// decoder's.)
func TestNativeObjectsAgainstTheDecoder(t *testing.T) {
	t.Parallel()
	all := Versions()
	v := open(t, all[len(all)-1])
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	var objs []render.Object
	for _, name := range []string{"workloads.yaml", "rest.yaml"} {
		objs = append(objs, readGood(t, name)...)
	}
	refused := 0
	for seed := range uint64(6000) {
		g := generator{rand.New(rand.NewPCG(seed, 2))}
		o := objs[g.IntN(len(objs))]
		if o.GetKind() == "APIService" { // not of the linked scheme
			continue
		}
		o.Unstructured = o.DeepCopy()
		g.damage(o.Object)
		b, err := json.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = decoder.Decode(b, nil, nil)
		if err == nil {
			continue
		}
		refused++
		if got := v.Check(t.Context(), []render.Object{o}); !denied(got) {
			t.Errorf("seed %d: the decoder refuses %s: %v", seed, bytes.TrimSpace(b), err)
		}
	}
	if refused < 1000 {
		t.Errorf("only %d objects refused: the generator tries too little", refused)
	}
}

func denied(all []finding.Finding) bool {
	for _, f := range all {
		if f.Denies() {
			return true
		}
	}
	return false
}

// damage replaces one value somewhere in an object.
func (g generator) damage(v any) {
	switch v := v.(type) {
	case map[string]any:
		keys := slices.DeleteFunc(slices.Sorted(maps.Keys(v)), func(k string) bool { return k == "apiVersion" || k == "kind" })
		if len(keys) == 0 {
			return
		}
		k := keys[g.IntN(len(keys))]
		if g.IntN(3) > 0 && nests(v[k]) {
			g.damage(v[k])
		} else if g.IntN(10) == 0 {
			v[k+"x"] = v[k]
		} else {
			v[k] = g.scalar()
		}
	case []any:
		i := g.IntN(len(v))
		if g.IntN(3) > 0 && nests(v[i]) {
			g.damage(v[i])
		} else {
			v[i] = g.scalar()
		}
	}
}

func nests(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	}
	return false
}
