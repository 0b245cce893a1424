package policy

import "slices"

// data notes who keeps data, and what guards it.
func (f factSheet) data(u unit, spec map[string]any) {
	ns, key := u.ref.Namespace, u.ref.Namespace+"/"+u.ref.Name
	cluster, _ := below(u.object, "metadata", "labels")["strimzi.io/cluster"].(string)
	switch u.ref.Group() + "/" + u.ref.Kind {
	case "kafka.strimzi.io/Kafka":
		f.inner("kafkas", ns)[u.ref.Name] = map[string]any{"config": below(spec, "kafka")["config"], "replicas": below(spec, "kafka")["replicas"]}
		f.classes(below(spec, "kafka", "storage"))
	case "kafka.strimzi.io/KafkaNodePool":
		roles, _ := spec["roles"].([]any)
		if len(roles) == 0 || slices.Contains(roles, any("broker")) {
			pools, _ := f.inner("brokers", ns)[cluster].([]any)
			f.inner("brokers", ns)[cluster] = append(pools, spec["replicas"])
		}
		f.classes(below(spec, "storage"))
	case "kafka.strimzi.io/KafkaTopic":
		if annotations := below(u.object, "metadata", "annotations"); annotations["kustomize.toolkit.fluxcd.io/prune"] != "disabled" {
			topics, _ := f.inner("topics", ns)[cluster].(int)
			f.inner("topics", ns)[cluster] = topics + 1
		}
	case "velero.io/Schedule":
		// It is read across namespaces: a schedule stands in Velero's and names others.
		f.set("backups", key, spec)
	case "snapscheduler.backube/SnapshotSchedule":
		f.append("snapshots", ns, spec["claimSelector"])
	case "/PersistentVolumeClaim":
		f.class(spec["storageClassName"])
	case "apps/StatefulSet":
		claims, _ := spec["volumeClaimTemplates"].([]any)
		for _, c := range claims {
			c, _ := c.(map[string]any)
			f.class(below(c, "spec")["storageClassName"])
		}
	case "monitoring.coreos.com/PrometheusRule":
		f.alerts(key, spec)
	case "monitoring.coreos.com/Prometheus":
		// It is read across namespaces: it takes rules of others.
		f.set("prometheuses", key, map[string]any{
			"rules": spec["ruleSelector"], "namespaces": spec["ruleNamespaceSelector"], "namespace": ns,
		})
	}
}

// alerts notes which objects have an alert of each name.
func (f factSheet) alerts(key string, spec map[string]any) {
	groups, _ := spec["groups"].([]any)
	for _, g := range groups {
		g, _ := g.(map[string]any)
		rules, _ := g["rules"].([]any)
		for _, r := range rules {
			r, _ := r.(map[string]any)
			if name, _ := r["alert"].(string); name != "" {
				// It is read across namespaces: one Alertmanager is told of all.
				f.appendOnce("alerts", name, key)
			}
		}
	}
}

// classes notes the storage classes of a Strimzi storage, of one volume or several.
func (f factSheet) classes(storage map[string]any) {
	f.class(storage["class"])
	volumes, _ := storage["volumes"].([]any)
	for _, v := range volumes {
		v, _ := v.(map[string]any)
		f.class(v["class"])
	}
}

func (f factSheet) class(name any) {
	if name, _ := name.(string); name != "" {
		// It is read across namespaces: classes are the cluster's.
		f.set("dataClasses", name, true)
	}
}

// inner is the table of a key of a table.
func (f factSheet) inner(table, key string) map[string]any {
	m, _ := f[table].(map[string]any)[key].(map[string]any)
	if m == nil {
		m = map[string]any{}
		f.set(table, key, m)
	}
	return m
}
