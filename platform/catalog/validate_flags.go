package catalog

import (
	"fmt"
	"strings"
	"time"
)

// ownFlags are the flags that a field of the model, or the provider, sets.
func ownFlags() map[string]map[string]string {
	return map[string]map[string]string{
		"apiServer": {
			"enable-admission-plugins":         "spec.kubernetes.admissionPlugins sets it",
			"admission-control-config-file":    "spec.kubernetes.podSecurity sets it",
			"encryption-provider-config":       "spec.kubernetes.encryptSecrets sets it",
			"audit-policy-file":                "spec.kubernetes.audit sets it",
			"audit-log-path":                   "spec.kubernetes.audit sets it",
			"audit-log-maxsize":                "spec.kubernetes.audit.maxSizeMB sets it",
			"audit-log-maxbackup":              "spec.kubernetes.audit.maxBackups sets it",
			"etcd-servers":                     "the provider sets it",
			"authorization-mode":               "the provider sets it",
			"anonymous-auth":                   "the provider sets it",
			"bind-address":                     "the provider sets it",
			"secure-port":                      "the provider sets it",
			"client-ca-file":                   "the provider sets it",
			"token-auth-file":                  "tokens in files are never taken",
			"service-account-issuer":           "the provider sets it",
			"service-account-key-file":         "the provider sets it",
			"service-cluster-ip-range":         "the provider sets it",
			"tls-cert-file":                    "the provider sets it",
			"tls-private-key-file":             "the provider sets it",
			"kubelet-client-certificate":       "the provider sets it",
			"kubelet-client-key":               "the provider sets it",
			"kubelet-certificate-authority":    "the provider sets it",
			"service-account-signing-key-file": "the provider sets it",
		},
		"controllerManager": {
			"kubeconfig": "the provider sets it", "authentication-kubeconfig": "the provider sets it",
			"authorization-kubeconfig": "the provider sets it", "bind-address": "the provider sets it",
			"secure-port": "the provider sets it", "root-ca-file": "the provider sets it",
			"service-account-private-key-file": "the provider sets it",
			"cluster-signing-cert-file":        "the provider sets it", "cluster-signing-key-file": "the provider sets it",
		},
		"scheduler": {
			"kubeconfig": "the provider sets it", "authentication-kubeconfig": "the provider sets it",
			"authorization-kubeconfig": "the provider sets it", "bind-address": "the provider sets it",
			"secure-port": "the provider sets it",
		},
	}
}

// ownEtcdFlags are those of etcd.
func ownEtcdFlags() map[string]string {
	own := map[string]string{
		"backend-batch-interval": "spec.etcd.batchInterval sets it", "backend-batch-limit": "spec.etcd.batchLimit sets it",
		"snapshot-count": "spec.etcd.snapshotCount sets it", "quota-backend-bytes": "spec.etcd.quota sets it",
		"heartbeat-interval": "spec.etcd.heartbeatInterval sets it", "election-timeout": "spec.etcd.electionTimeout sets it",
		"unsafe-no-fsync": "writes that were acknowledged could be lost",
	}
	for _, flag := range strings.Fields("name data-dir wal-dir listen-client-urls advertise-client-urls listen-peer-urls initial-advertise-peer-urls " +
		"listen-metrics-urls initial-cluster initial-cluster-state initial-cluster-token client-cert-auth trusted-ca-file cert-file key-file " +
		"peer-client-cert-auth peer-trusted-ca-file peer-cert-file peer-key-file logger log-level") {
		own[flag] = "the provider sets it"
	}
	return own
}

// extraArgs refuses flags that would fight with what is set elsewhere.
func (l *loader) extraArgs(c *Cluster) {
	own := ownFlags()
	args := c.Spec.Kubernetes.ExtraArgs
	for _, program := range []struct {
		field      string
		flags, own map[string]string
	}{
		{"spec.kubernetes.extraArgs.apiServer.", args.APIServer, own["apiServer"]},
		{"spec.kubernetes.extraArgs.controllerManager.", args.ControllerManager, own["controllerManager"]},
		{"spec.kubernetes.extraArgs.scheduler.", args.Scheduler, own["scheduler"]},
		{"spec.etcd.extraArgs.", c.Spec.Etcd.ExtraArgs, ownEtcdFlags()},
	} {
		for _, flag := range sortedKeys(program.flags) {
			if strings.HasPrefix(flag, "-") {
				l.fail(c, program.field+flag, "a flag is written without dashes", "write "+strings.TrimLeft(flag, "-"))
				continue
			}
			if why, taken := program.own[flag]; taken {
				l.fail(c, program.field+flag, "may not be set here: "+why, "remove it")
			}
		}
	}
}

// requests refuses a flag beside the field for it: one of them would win unseen.
func (l *loader) requests(c *Cluster) {
	for flag, name := range map[string]string{"max-requests-inflight": "inflight", "max-mutating-requests-inflight": "mutatingInflight"} {
		field := "spec.kubernetes.requests." + name
		_, written := c.at[field]
		if _, flagged := c.Spec.Kubernetes.ExtraArgs.APIServer[flag]; written && flagged {
			l.fail(c, "spec.kubernetes.extraArgs.apiServer."+flag, "is set beside "+field, "remove one")
		}
	}
}

// EtcdGates are the features of etcd's newest line by the flags that turned them on
// before, which it still takes.
func EtcdGates() map[string]string {
	return map[string]string{
		"experimental-compact-hash-check-enabled":        "CompactHashCheck",
		"experimental-enable-lease-checkpoint":           "LeaseCheckpoint",
		"experimental-enable-lease-checkpoint-persist":   "LeaseCheckpointPersist",
		"experimental-initial-corrupt-check":             "InitialCorruptCheck",
		"experimental-stop-grpc-service-on-defrag":       "StopGRPCServiceOnDefrag",
		"experimental-txn-mode-write-with-shared-buffer": "TxnModeWriteWithSharedBuffer",
	}
}

// minHeartbeats is how many signs of life etcd wants in an election timeout.
const minHeartbeats = 5

// etcd holds what members would refuse when they start.
func (l *loader) etcd(c *Cluster) {
	e := c.Spec.Etcd
	heartbeat, election := e.HeartbeatInterval.D(), e.ElectionTimeout.D()
	for _, d := range []struct {
		field string
		value time.Duration
	}{{"spec.etcd.heartbeatInterval", heartbeat}, {"spec.etcd.electionTimeout", election}} {
		if d.value%time.Millisecond != 0 {
			l.fail(c, d.field, d.value.String()+" is no number of milliseconds", "write whole milliseconds, such as 100ms")
		}
	}
	if election < minHeartbeats*heartbeat {
		l.fail(c, "spec.etcd.electionTimeout", fmt.Sprintf("%s is less than %d heartbeats of %s, and etcd does not start", election, minHeartbeats, heartbeat),
			fmt.Sprintf("write at least %s; %s is better", minHeartbeats*heartbeat, 2*minHeartbeats*heartbeat))
	}
	l.etcdGates(c)
}

// etcdGates refuses a gate of etcd beside the flag that it replaced: a member
// that is given both does not start. kubeadm gives one of those flags by itself.
func (l *loader) etcdGates(c *Cluster) {
	const field = "spec.etcd.extraArgs.feature-gates"
	args := c.Spec.Etcd.ExtraArgs
	list, set := args["feature-gates"]
	if !set {
		return
	}
	if c.Spec.Etcd.Line == "supported" {
		l.fail(c, field, "is set, and etcd of the supported line has no gates", "write the experimental- flag, or take `line: newest`")
		return
	}
	for _, gate := range strings.Split(list, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(gate), "=")
		for _, flag := range sortedKeys(EtcdGates()) {
			_, both := args[flag]
			switch {
			case EtcdGates()[flag] != name:
			case both:
				l.fail(c, field, fmt.Sprintf("sets %s beside %s, and etcd takes one of them", name, flag), "remove the flag")
			case flag == "experimental-initial-corrupt-check":
				l.fail(c, field, fmt.Sprintf("sets %s, and kubeadm writes %s, beside which etcd does not take it", name, flag), "set the flag instead")
			}
		}
	}
}
