package policy

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// factSheet is data.context: what rules may ask about an object's surroundings,
// gathered once a cluster and looked up by namespace and name.
type factSheet map[string]any

// byNamespace are the tables that rules look up by the object's own namespace
// only: an object is judged with its namespace's part of them, so that what
// changes elsewhere asks for no new judgement.
func byNamespace() []string {
	return []string{"workloads", "scalers", "budgets", "netpols", "limits", "serviceAccounts", "services", "names"}
}

// gather reads the facts out of the objects.
func gather(in Input) (factSheet, error) {
	minor, err := minorOf(in)
	if err != nil {
		return nil, err
	}
	about := map[string]any{"role": "", "realNodes": in.RealNodes, "someReal": in.SomeReal, "minor": minor, "production": in.Production}
	if in.Cluster != nil {
		about["role"], about["nodes"] = string(in.Cluster.Spec.Role), nodesOf(in.Cluster)
	}
	f := factSheet{
		"cluster": about, "partial": len(in.Partial) > 0,
		"severity": map[string]any{}, "params": map[string]any{}, "registries": nil, "apis": apiFacts(in.APIs), "now": in.seconds(),
	}
	if in.Fleet != nil {
		f["severity"] = in.Fleet.Spec.Policy.Severity
		if set := in.Fleet.Spec.Policy.Params.Map; set != nil {
			f["params"] = set
		}
		if known := in.Fleet.Spec.Policy.Registries; known != nil {
			f["registries"] = known
		}
	}
	for _, name := range []string{
		"namespaces", "workloads", "scalers", "budgets", "netpols", "clusterRoles", "limits", "nodeClasses",
	} {
		f[name] = map[string]any{}
	}
	f.openReferences(in)
	f["clusterNetpols"] = []any{}
	for _, name := range tables() {
		f[name] = map[string]any{}
	}
	for _, o := range in.Objects {
		for _, u := range unroll(nil, o, o.Object, "", false) {
			f.add(u)
		}
	}
	return f, nil
}

// minorOf is the minor of the Kubernetes version that is judged against.
func minorOf(in Input) (int, error) {
	version := in.KubeVersion
	if version == "" && in.Baseline != nil {
		version = in.Baseline.Spec.Kubernetes
	}
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) >= 2 && parts[0] == "1" {
		if minor, err := strconv.Atoi(parts[1]); err == nil && minor >= 0 {
			return minor, nil
		}
	}
	return 0, fmt.Errorf("no Kubernetes version to judge against: %q is none", version)
}

func apiFacts(apis []API) any {
	if apis == nil {
		return nil
	}
	out := make(map[string]any, len(apis))
	for _, a := range apis {
		out[a.APIVersion+"/"+a.Kind] = map[string]any{"deprecated": a.Deprecated, "removed": a.Removed, "use": a.Use}
	}
	return out
}

func (f factSheet) add(u unit) {
	o, ns := u.object, u.ref.Namespace
	spec, _ := o["spec"].(map[string]any)
	switch u.ref.Group() + "/" + u.ref.Kind {
	case "/Namespace":
		// It is read across namespaces: selectors of peers, and hosts of a mesh, mean others.
		f.set("namespaces", u.ref.Name, map[string]any{"labels": labelsOf(o, "metadata", "labels")})
		f.meshLabels(o)
	case "policy/PodDisruptionBudget":
		f.append("budgets", ns, map[string]any{
			"name": u.ref.Name, "selector": spec["selector"], "version": u.ref.APIVersion,
		})
	case "autoscaling/HorizontalPodAutoscaler":
		f.scaler(u, spec["scaleTargetRef"], spec["minReplicas"], spec["maxReplicas"])
	case "keda.sh/ScaledObject":
		f.scaler(u, spec["scaleTargetRef"], spec["minReplicaCount"], spec["maxReplicaCount"])
	case "networking.k8s.io/NetworkPolicy":
		f.append("netpols", ns, map[string]any{"kind": u.ref.Kind, "name": u.ref.Name, "spec": spec})
	case "cilium.io/CiliumNetworkPolicy":
		for _, s := range ciliumSpecs(o) {
			f.append("netpols", ns, map[string]any{"kind": u.ref.Kind, "name": u.ref.Name, "spec": s})
		}
	case "cilium.io/CiliumClusterwideNetworkPolicy":
		// It is read across namespaces: the policies are the cluster's.
		for _, s := range ciliumSpecs(o) {
			f["clusterNetpols"] = append(f["clusterNetpols"].([]any), map[string]any{"name": u.ref.Name, "spec": s})
		}
	case "rbac.authorization.k8s.io/ClusterRole":
		// It is read across namespaces: the roles are the cluster's.
		f.set("clusterRoles", u.ref.Name, map[string]any{
			"rules": o["rules"], "labels": labelsOf(o, "metadata", "labels"), "aggregation": o["aggregationRule"],
		})
	case "/LimitRange":
		f.append("limits", ns, spec["limits"])
	case "/PersistentVolume":
		if class, _ := spec["storageClassName"].(string); class != "" && (spec["hostPath"] != nil || spec["local"] != nil) {
			f.set("nodeClasses", class, true)
		}
	}
	f.workload(u, spec)
	f.references(u, spec)
	f.network(u, spec)
	f.mesh(u, spec)
	f.gitops(u, spec)
	f.data(u, spec)
}

// tables are those of the groups of rules; the functions that fill them say which
// are read across namespaces.
func tables() []string {
	return []string{"selectable", "endpoints", "routes", "redirects", "meshLabels", "peerAuth", "authz",
		"customGroups", "reconcilers", "projects", "crds", "crdGroups", "fluxFlags", "admins",
		"kafkas", "brokers", "topics", "backups", "snapshots", "dataClasses", "prometheuses", "alerts"}
}

// workload notes what makes pods, by namespace.
func (f factSheet) workload(u unit, spec map[string]any) {
	entry := map[string]any{"group": u.ref.Group(), "kind": u.ref.Kind, "name": u.ref.Name, "replicas": 1}
	switch u.ref.Kind {
	case "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout":
		if spec["replicas"] != nil {
			entry["replicas"] = spec["replicas"]
		}
		template, _ := spec["template"].(map[string]any)
		entry["labels"] = labelsOf(template, "metadata", "labels")
		entry["containers"] = containersOf(template)
	case "DaemonSet":
		template, _ := spec["template"].(map[string]any)
		entry["labels"] = labelsOf(template, "metadata", "labels")
	case "Pod":
		entry["labels"] = labelsOf(u.object, "metadata", "labels")
	default:
		if _, scales := spec["replicas"]; scales {
			entry["replicas"], entry["labels"] = spec["replicas"], map[string]any{}
			break
		}
		return
	}
	f.append("workloads", u.ref.Namespace, entry)
}

// containersOf keeps of a template's containers what autoscalers depend on.
func containersOf(template map[string]any) []any {
	list, _, _ := unstructured.NestedSlice(template, "spec", "containers")
	out := []any{}
	for _, c := range list {
		if c, ok := c.(map[string]any); ok {
			out = append(out, map[string]any{"name": c["name"], "resources": c["resources"]})
		}
	}
	return out
}

func (f factSheet) scaler(u unit, target, least, most any) {
	ref, _ := target.(map[string]any)
	kind, _ := ref["kind"].(string)
	name, _ := ref["name"].(string)
	if kind == "" {
		kind = "Deployment" // KEDA's default; an HPA without a kind is the schema's to refuse
	}
	byTarget, _ := f["scalers"].(map[string]any)[u.ref.Namespace].(map[string]any)
	if byTarget == nil {
		byTarget = map[string]any{}
		f.set("scalers", u.ref.Namespace, byTarget)
	}
	list, _ := byTarget[kind+"/"+name].([]any)
	byTarget[kind+"/"+name] = append(list, map[string]any{"kind": u.ref.Kind, "name": u.ref.Name, "min": least, "max": most})
}

func (f factSheet) set(table, key string, value any) { f[table].(map[string]any)[key] = value }

func (f factSheet) append(table, key string, value any) {
	list, _ := f[table].(map[string]any)[key].([]any)
	f.set(table, key, append(list, value))
}

// labelsOf reads labels, leaving out values that are no strings.
func labelsOf(o map[string]any, path ...string) map[string]any {
	labels, _, _ := unstructured.NestedMap(o, path...)
	out := map[string]any{}
	for k, v := range labels {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// ciliumSpecs gives a Cilium policy's spec and specs.
func ciliumSpecs(o map[string]any) []any {
	specs, _ := o["specs"].([]any)
	if o["spec"] != nil {
		specs = append([]any{o["spec"]}, specs...)
	}
	return specs
}
