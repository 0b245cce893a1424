package change

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"dualtrack.internal/platform/render"
)

// fixed are the fields that the API server lets nobody change once the object is
// there, by kind. A path means what is below it too. Source: the update validation
// of Kubernetes' API, each held against a real server in tests/changes.
func fixed() map[string][]string {
	class := []string{"provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"}
	return map[string][]string{
		"apps/Deployment":                       {"spec.selector"},
		"apps/DaemonSet":                        {"spec.selector"},
		"apps/ReplicaSet":                       {"spec.selector"},
		"batch/Job":                             {"spec.selector", "spec.template", "spec.completionMode", "spec.podFailurePolicy"},
		"/Secret":                               {"type"},
		"rbac.authorization.k8s.io/RoleBinding": {"roleRef"},
		"rbac.authorization.k8s.io/ClusterRoleBinding":  {"roleRef"},
		"storage.k8s.io/StorageClass":                   class,
		"scheduling.k8s.io/PriorityClass":               {"value", "preemptionPolicy"},
		"node.k8s.io/RuntimeClass":                      {"handler"},
		"networking.k8s.io/IngressClass":                {"spec.controller"},
		"apiextensions.k8s.io/CustomResourceDefinition": {"spec.group", "spec.scope", "spec.names.plural", "spec.names.kind"},
	}
}

// open are the fields of a StatefulSet's spec that may change; all others may not.
func open() []string {
	return []string{"spec.replicas", "spec.ordinals", "spec.template", "spec.updateStrategy", "spec.persistentVolumeClaimRetentionPolicy", "spec.minReadySeconds"}
}

// defaults are what the API server writes where a manifest says nothing: to say
// the same is no change.
func defaults() map[string]any {
	return map[string]any{
		"apps/StatefulSet spec.podManagementPolicy":        "OrderedReady",
		"apps/StatefulSet spec.revisionHistoryLimit":       int64(10),
		"batch/Job spec.completionMode":                    "NonIndexed",
		"/Secret type":                                     "Opaque",
		"storage.k8s.io/StorageClass reclaimPolicy":        "Delete",
		"storage.k8s.io/StorageClass volumeBindingMode":    "Immediate",
		"scheduling.k8s.io/PriorityClass preemptionPolicy": "PreemptLowerPriority",
		"/PersistentVolumeClaim spec.volumeMode":           "Filesystem",
	}
}

// immutable says why the API server refuses a field's change.
func immutable(before, after render.Object, f Field) (string, bool) {
	kind := after.Ref().Group() + "/" + after.GetKind()
	if was, known := defaults()[kind+" "+f.Path]; known && same(or(f.Before, was), or(f.After, was)) {
		return "", false
	}
	const mend = "can't be changed; delete the object first, or give the new one another name"
	switch kind {
	case "apps/Deployment":
		if left, why := leftover(before, f, "spec.strategy", "Recreate"); left {
			return why, true
		}
	case "apps/StatefulSet":
		if left, why := leftover(before, f, "spec.updateStrategy", "OnDelete"); left {
			return why, true
		}
		if strings.HasPrefix(f.Path, "spec.") && !covered(open(), f.Path) {
			return mend, true
		}
		return "", false
	case "batch/Job":
		if f.Path == "spec.completions" && !indexed(before) {
			return mend, true
		}
	case "/PersistentVolumeClaim":
		return claim(f, mend)
	case "/Service":
		return service(before, after, f)
	case "/ConfigMap", "/Secret":
		if sealed, _ := before.Object["immutable"].(bool); sealed && covered([]string{"data", "stringData", "binaryData", "immutable"}, f.Path) {
			return "can't be changed, for the object says immutable: true; give the new one another name", true
		}
	}
	if covered(fixed()[kind], f.Path) {
		return mend, true
	}
	return "", false
}

// leftover tells of a strategy that leaves behind what the API server wrote for the
// other one: nobody owns it, so nobody's manifest takes it away.
func leftover(before render.Object, f Field, at, to string) (bool, string) {
	strategy, _ := valueAt(before.Object, at).(map[string]any)
	if fmt.Sprint(f.After) != to && !is(f.After, to) || f.Path != at && f.Path != at+".type" || strategy["rollingUpdate"] != nil {
		return false, ""
	}
	return true, fmt.Sprintf("%s can't be reached from RollingUpdate: the API server wrote %s.rollingUpdate, which is not allowed beside it; write rollingUpdate: null too", to, at)
}

// is says that a strategy as a whole has the type.
func is(v any, to string) bool {
	m, _ := v.(map[string]any)
	return m["type"] == to
}

func valueAt(object map[string]any, path string) any {
	var at any = object
	for part := range strings.SplitSeq(path, ".") {
		m, _ := at.(map[string]any)
		at = m[part]
	}
	return at
}

// indexed says that a job may change how many it completes, along with how many
// run at once.
func indexed(o render.Object) bool { return valueAt(o.Object, "spec.completionMode") == "Indexed" }

func or(v, other any) any {
	if v == nil {
		return other
	}
	return v
}

func same(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// covered says that a path is one of those, or below one.
func covered(paths []string, path string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		rest, below := strings.CutPrefix(path, p)
		return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// claim is a claim's word: a bound one can only grow.
func claim(f Field, mend string) (string, bool) {
	if !strings.HasPrefix(f.Path, "spec.") {
		return "", false
	}
	if f.Path != "spec.resources.requests.storage" {
		return mend, true
	}
	before, err := resource.ParseQuantity(fmt.Sprint(f.Before))
	after, err2 := resource.ParseQuantity(fmt.Sprint(f.After))
	if err == nil && err2 == nil && after.Cmp(before) < 0 {
		return "can't shrink; make a new claim and move the data", true
	}
	return "", false
}

// service is a Service's word: it keeps its address, or the lack of one.
func service(before, after render.Object, f Field) (string, bool) {
	if f.Path != "spec.clusterIP" && !strings.HasPrefix(f.Path, "spec.clusterIPs") || f.After == nil { // unsaid, it stays
		return "", false
	}
	for _, o := range []render.Object{before, after} {
		spec, _ := o.Object["spec"].(map[string]any)
		if spec["type"] == "ExternalName" {
			return "", false
		}
	}
	return "can't be changed: a Service keeps its address, or the lack of one; delete it first", true
}
