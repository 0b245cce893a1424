package change

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// Effect is what a change does beyond the fields it touches.
type Effect string

// The effects.
const (
	Restarts     Effect = "restarts"      // pods are replaced
	Refused      Effect = "refused"       // the API server will not have it
	LosesData    Effect = "loses data"    // what was stored is gone
	Image        Effect = "image"         // another image runs
	Scales       Effect = "scales"        // another number of pods
	Stops        Effect = "stops"         // pods go, and nothing in their place
	Replaced     Effect = "replaced"      // deleted, and made anew under another name
	TakesOver    Effect = "takes over"    // somebody else writes a field from now on
	NotTaken     Effect = "not taken up"  // running pods keep what they had
	Narrows      Effect = "narrows"       // a schema refuses what it took, or drops it
	Widens       Effect = "widens"        // somebody may do more
	Opens        Effect = "opens"         // a path between pods that was closed
	Closes       Effect = "closes"        // a path between pods that was open
	NotComputed  Effect = "not computed"  // nothing is said of what follows
	Blocks       Effect = "blocks drains" // no pod of it may be evicted any more
	Cuts         Effect = "cuts traffic"  // nobody answers any more
	Requests     Effect = "requests"      // another sum of resources
	DoesNotFit   Effect = "does not fit"  // more than the nodes have
	ControlPlane Effect = "control plane" // etcd, an API server or a kubelet starts anew
	Recreates    Effect = "recreates"     // connections drop while a map is made anew
	Weakens      Effect = "weakens"       // what guards others guards less
	Placeholder  Effect = "placeholder"   // a value that nobody filled in
	Order        Effect = "order"         // what it needs may come later, or never
)

// Consequence is one effect of one object's change, with its reason.
type Consequence struct {
	Effect Effect `json:"effect"`
	// Level is how much it matters by itself; rules of policy have the last word.
	Level   finding.Severity `json:"level"`
	Why     string           `json:"why"`
	Pointer string           `json:"pointer,omitempty"` // the field, in the later object
	// Facts are what rules judge it by, in numbers and names.
	Facts map[string]any `json:"-"`
}

// consequences are what a change of an object does by itself, whatever stands
// around it; before or after is nil where the object comes or goes.
func consequences(before, after *render.Object, action Action, fields []Field) []Consequence {
	switch {
	case before == nil:
		return placeholders(after, nil)
	case after == nil:
		return append(removed(*before), guards(before, nil)...)
	case action == Renamed:
		why := fmt.Sprintf("%s is deleted and %s made: to the API server they are two objects", before.GetName(), after.GetName())
		out := []Consequence{{Effect: Replaced, Level: finding.Info, Why: why, Pointer: "/metadata/name"}}
		return append(out, removed(*before)...)
	}
	var out []Consequence
	for _, f := range fields {
		if why, refused := immutable(*before, *after, f); refused {
			out = append(out, Consequence{Effect: Refused, Level: finding.Error, Why: f.Path + " " + why, Pointer: f.Pointer})
		}
		if strings.HasSuffix(f.Path, "].image") {
			out = append(out, moved(f))
		}
	}
	if strays(after) && !strays(before) {
		out = append(out, Consequence{Effect: Refused, Level: finding.Error, Pointer: "/spec/template/metadata/labels",
			Why: "spec.selector does not match the labels of its own pods"})
	}
	if q := template(*after, fields); q != nil {
		out = append(out, *q)
	}
	for _, f := range fields {
		if strings.HasSuffix(f.Path, "template.spec.serviceAccountName") && f.After == nil {
			out = append(out, Consequence{Effect: NotTaken, Level: finding.Warning, Pointer: f.Pointer,
				Why: fmt.Sprintf("pods stay with ServiceAccount %v, which the API server keeps in serviceAccount: write another's name, default for example", f.Before)})
		}
	}
	out = append(out, narrowed(before, after)...)
	out = append(out, guards(before, after)...)
	out = append(out, placeholders(after, fields)...)
	return append(out, maps(*after, fields)...)
}

// strays says that a workload does not select the pods that it makes.
func strays(o *render.Object) bool {
	switch groupKind(o) {
	case "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "apps/ReplicaSet":
		s := labelSelector(inside.At(o.Object, "spec", "selector"))
		return s != nil && !s.Matches(labels.Set(stringsOf(inside.Map(o.Object, "spec", "template", "metadata", "labels"))))
	}
	return false
}

// template says whether pods are replaced: any field of a pod template does that,
// unless it says what the API server had written itself.
func template(after render.Object, fields []Field) *Consequence {
	words := map[string]string{
		"apps/Deployment":  "its pods are replaced, a few at a time",
		"apps/StatefulSet": "its pods are replaced one after the other",
		"apps/DaemonSet":   "its pod on every node is replaced",
	}
	why, known := words[groupKind(&after)]
	if !known {
		return nil
	}
	for _, f := range fields {
		if f.Path != "spec.template" && !strings.HasPrefix(f.Path, "spec.template.") || defaulted(after, f) {
			continue
		}
		switch {
		case inside.Text(after.Object, "spec", "updateStrategy", "type") == "OnDelete":
			return &Consequence{Effect: NotTaken, Level: finding.Info, Why: "its pods stay as they are until somebody deletes them: updateStrategy OnDelete", Pointer: f.Pointer}
		case inside.At(after.Object, "spec", "paused") == true:
			return &Consequence{Effect: NotTaken, Level: finding.Info, Why: "its pods stay as they are until it is no longer paused", Pointer: f.Pointer}
		}
		return &Consequence{Effect: Restarts, Level: finding.Info, Why: why, Pointer: f.Pointer}
	}
	return nil
}

// removed says what goes with an object.
func removed(o render.Object) []Consequence {
	words := map[string]string{
		"/Namespace":             "everything in the namespace is deleted with it",
		"/PersistentVolumeClaim": "the volume goes with its claim, unless its class retains it",
		"/PersistentVolume":      "the volume's data is no longer reachable by any claim",
		"apiextensions.k8s.io/CustomResourceDefinition": "every object of the kind is deleted with its definition",
		"kafka.strimzi.io/Kafka":                        "the brokers go, and with them what their volumes hold unless deleteClaim is false",
		"kafka.strimzi.io/KafkaTopic":                   "the topic goes with all its records",
		"kafka.strimzi.io/KafkaNodePool":                "its brokers go, and with them the replicas that they hold",
	}
	facts := map[string]any{"kind": o.GetKind()}
	if groupKind(&o) == "/Service" {
		return []Consequence{{Effect: Cuts, Level: finding.Warning, Why: "whoever calls it by its name gets no answer", Facts: facts}}
	}
	if why, known := words[groupKind(&o)]; known {
		return []Consequence{{Effect: LosesData, Level: finding.Warning, Why: why, Facts: facts}}
	}
	switch groupKind(&o) {
	case "apps/StatefulSet":
		if inside.Text(o.Object, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete" {
			return []Consequence{{Effect: LosesData, Level: finding.Warning, Why: "its pods stop, and its claims go with it: whenDeleted is Delete", Facts: facts}}
		}
		return []Consequence{{Effect: Stops, Level: finding.Warning, Why: "its pods stop; the claims it made stay, and nobody tends them", Facts: facts}}
	case "apps/Deployment", "apps/DaemonSet", "apps/ReplicaSet", "/Pod", "batch/CronJob":
		return []Consequence{{Effect: Stops, Level: finding.Info, Why: "its pods stop", Facts: facts}}
	}
	return nil
}
