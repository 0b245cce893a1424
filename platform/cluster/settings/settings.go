// Package settings renders what a cluster declares of its control plane, etcd
// and kubelets into flags, environments and configuration files, the same for
// every provider that starts such programs. It reads and writes no file, makes
// no key, and knows nothing of addresses, certificates and folders: those are
// the provider's.
package settings

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"dualtrack.internal/platform/catalog"
)

// Settings are one cluster's.
type Settings struct {
	cluster    *catalog.Cluster
	kubernetes string
}

// Of takes a cluster's declaration and the version of Kubernetes, "v1.2.3".
func Of(c *catalog.Cluster, kubernetes string) Settings {
	return Settings{cluster: c, kubernetes: kubernetes}
}

// Flag is one flag of a program, without dashes.
type Flag struct{ Name, Value string }

// Files are where an API server finds its configuration.
type Files struct{ Admission, Encryption, AuditPolicy, AuditLog string }

func (s Settings) kube() catalog.Kubernetes { return s.cluster.Spec.Kubernetes }

// EtcdFlags are what the declaration says of a member. Errors name the field.
func (s Settings) EtcdFlags() ([]Flag, error) {
	e := s.cluster.Spec.Etcd
	quota, err := bytesOf(cmp.Or(e.Quota, "2Gi"))
	if err != nil {
		return nil, fmt.Errorf("cluster %s: spec.etcd.quota: %w", s.cluster.Name, err)
	}
	return []Flag{
		{"backend-batch-interval", cmp.Or(e.BatchInterval.D(), 100*time.Millisecond).String()},
		{"backend-batch-limit", strconv.Itoa(cmp.Or(e.BatchLimit, 10000))},
		{"snapshot-count", strconv.Itoa(cmp.Or(e.SnapshotCount, 10000))},
		{"quota-backend-bytes", strconv.FormatInt(quota, 10)},
		{"heartbeat-interval", milliseconds(cmp.Or(e.HeartbeatInterval.D(), 100*time.Millisecond))},
		{"election-timeout", milliseconds(cmp.Or(e.ElectionTimeout.D(), time.Second))},
	}, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// EtcdEnv is the environment that the declaration asks for a member. Errors
// name the field.
func (s Settings) EtcdEnv() ([]Flag, error) {
	e := s.cluster.Spec.Etcd
	env := []Flag{{"GOGC", strconv.Itoa(cmp.Or(e.GOGC, 100))}}
	if e.GOMemLimit == "" {
		return env, nil
	}
	limit, err := bytesOf(e.GOMemLimit)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: spec.etcd.goMemLimit: %w", s.cluster.Name, err)
	}
	return append(env, Flag{"GOMEMLIMIT", strconv.FormatInt(limit, 10)}), nil
}

// APIServer are the flags of an API server of which there are servers behind one
// endpoint.
func (s Settings) APIServer(files Files, servers int) []Flag {
	k := s.kube()
	flags := []Flag{
		{"enable-admission-plugins", strings.Join(append([]string{"NodeRestriction"}, k.AdmissionPlugins...), ",")},
		{"admission-control-config-file", files.Admission},
		{"kubelet-preferred-address-types", "InternalIP"},
		{"profiling", "false"},
		{"feature-gates", "UnauthenticatedHTTP2DOSMitigation=true"},
		{"encryption-provider-config", files.Encryption},
		{"max-requests-inflight", strconv.Itoa(cmp.Or(k.Requests.Inflight, 400))},
		{"max-mutating-requests-inflight", strconv.Itoa(cmp.Or(k.Requests.MutatingInflight, 200))},
	}
	if s.Audits() {
		flags = append(flags,
			Flag{"audit-policy-file", files.AuditPolicy}, Flag{"audit-log-path", files.AuditLog},
			Flag{"audit-log-maxsize", strconv.Itoa(cmp.Or(k.Audit.MaxSizeMB, 100))},
			Flag{"audit-log-maxbackup", strconv.Itoa(cmp.Or(k.Audit.MaxBackups, 10))})
	}
	if servers > 1 { // lets clients with long-lived connections spread again after a restart
		flags = append(flags, Flag{"goaway-chance", "0.001"})
	}
	return flags
}

// Audits says that the cluster keeps an audit log.
func (s Settings) Audits() bool { return s.kube().Audit.Level != "None" }

// Managers are the flags that the controller manager and the scheduler share.
func (Settings) Managers() []Flag { return []Flag{{"profiling", "false"}} }

// ControllerManager are further flags of the controller manager.
func (Settings) ControllerManager() []Flag {
	return []Flag{
		// The default of 20 delays a bundle's namespaces and replica sets by seconds.
		{"kube-api-qps", "100"}, {"kube-api-burst", "200"},
		// A pod that was charged to a quota and then not created holds its share until
		// the next recount, by default after five minutes: as long as `up` waits.
		{"resource-quota-sync-period", "20s"},
	}
}

// Merge gives the flags by name, extra ones over the rest.
func Merge(extra map[string]string, flags ...[]Flag) map[string]string {
	out := map[string]string{}
	for _, f := range slices.Concat(flags...) {
		out[f.Name] = f.Value
	}
	maps.Copy(out, extra)
	return out
}

// MaxPods is how many pods a kubelet takes: the most that a declared node
// offers, for kubelets of one cluster share their configuration.
func (s Settings) MaxPods() int {
	most := 0
	for _, n := range s.cluster.Spec.Nodes {
		most = max(most, n.Capacity.Pods)
	}
	return cmp.Or(most, 110)
}

func bytesOf(q catalog.Quantity) (int64, error) {
	parsed, err := resource.ParseQuantity(string(q))
	if err != nil {
		return 0, fmt.Errorf("quantity %q: %w", q, err)
	}
	if parsed.Value() <= 0 {
		return 0, fmt.Errorf("quantity %q is not positive", q)
	}
	return parsed.Value(), nil
}
