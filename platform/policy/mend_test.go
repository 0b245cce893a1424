package policy

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/policies"
)

// mendable are objects that between them break every rule that has a patch.
var mendable = []string{`
apiVersion: v1
kind: Pod
metadata:
  name: a
  namespace: shop
  annotations:
    container.apparmor.security.beta.kubernetes.io/a: unconfined
spec:
  hostNetwork: true
  hostPID: true
  securityContext:
    runAsNonRoot: false
    seccompProfile: {type: Unconfined}
    seLinuxOptions: {type: spc_t, user: u}
    windowsOptions: {hostProcess: true}
    appArmorProfile: {type: Unconfined}
    sysctls: [{name: kernel.msgmax, value: "1"}, {name: net.core.somaxconn, value: "1"}]
  initContainers:
  - name: i
    image: registry.example/a:1
    ports: [{containerPort: 80, hostPort: 81}, {hostPort: 82}]
  containers:
  - name: a
    image: registry.example/a:1
    securityContext:
      privileged: true
      allowPrivilegeEscalation: true
      runAsNonRoot: false
      procMount: Unmasked
      seccompProfile: {type: Unconfined}
      seLinuxOptions: {role: r}
      capabilities: {add: [CAP_CHOWN, NET_RAW, SYS_ADMIN]}
`, `
apiVersion: velero.io/v1
kind: Schedule
metadata: {name: nightly, namespace: velero, labels: {app.kubernetes.io/part-of: velero}}
spec: {paused: true, schedule: "0 1 * * *", template: {ttl: 720h0m0s}}
`, `
apiVersion: v1
kind: Namespace
metadata: {name: bare}
`, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: twice, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: twice}}
  template:
    metadata: {labels: {app: twice}}
    spec: {automountServiceAccountToken: false, containers: []}
`, `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: closed, namespace: shop}
spec: {maxUnavailable: 0, selector: {matchLabels: {app: twice}}}
`, `
apiVersion: batch/v1
kind: CronJob
metadata: {name: often, namespace: shop}
spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {spec: {automountServiceAccountToken: false, containers: []}}}}}
`, `
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: shop}
spec: {template: {spec: {automountServiceAccountToken: false, containers: []}}}
`, `
apiVersion: v1
kind: Secret
metadata:
  name: a
  namespace: shop
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"data":{"a":"b"}}'}
`, `
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
seccompDefault: false
`, `
apiVersion: kubeadm.k8s.io/v1beta3
kind: JoinConfiguration
nodeRegistration: {kubeletExtraArgs: {read-only-port: "10255", container-runtime: remote}}
`, `
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer:
  extraArgs: [{name: insecure-port, value: "0"}, {name: encryption-provider-config, value: /e}]
etcd: {local: {extraArgs: [{name: auto-tls, value: "true"}]}}
`, `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: slow}
webhooks: [{name: slow.example.org, failurePolicy: Ignore, timeoutSeconds: 30}]
`}

// TestEveryPatch applies each patch of each finding by itself: what it was for
// is gone, and no rule says more than it did before. Every rule that has
// a patch is among them.
func TestEveryPatch(t *testing.T) {
	t.Parallel()
	judge := func(t *testing.T, text string) []finding.Finding {
		t.Helper()
		in := testInput(t, namespace, denyAll, text)
		r, err := compiled(t).Judge(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return r.Findings
	}
	said := func(found []finding.Finding) map[string]int {
		out := map[string]int{}
		for _, f := range found {
			out[f.Rule]++
			out[f.Rule+" "+f.Message]++
		}
		return out
	}
	mended := map[string]bool{}
	for _, text := range mendable {
		before := judge(t, text)
		object := testInput(t, text).Objects[0].Object
		for _, f := range before {
			if f.Patch == nil {
				continue
			}
			mended[f.Rule] = true
			patched, err := yaml.Marshal(applied(t, object, f.Patch))
			if err != nil {
				t.Fatal(err)
			}
			was, is := said(before), said(judge(t, string(patched)))
			if key := f.Rule + " " + f.Message; is[key] >= was[key] {
				t.Errorf("%s at %s is still there after its patch %s: %s", f.Rule, f.Pointer, f.Patch, f.Message)
			}
			for rule, n := range is { // what moved, or is named otherwise, was said before
				if n > was[rule] && !strings.Contains(rule, " ") {
					t.Errorf("%s at %s: its patch %s brings more of %s", f.Rule, f.Pointer, f.Patch, rule)
				}
			}
		}
	}
	for _, c := range groupCases() { // whose patches TestGroups applies
		in := testInput(t, strings.Split(c.docs, "\n---\n")...)
		in.Production = c.production
		for _, f := range judgedBy(t, in, c.rules) {
			mended[f.Rule] = mended[f.Rule] || f.Patch != nil
		}
	}
	for _, name := range regoFiles(t) {
		src, err := fs.ReadFile(policies.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(path.Base(name), ".rego")
		id := strings.ToUpper(strings.ReplaceAll(base, "_", "-"))
		if strings.Contains(string(src), `"patch":`) && strings.HasPrefix(base, "dt_") && !strings.HasSuffix(base, "_test") && !mended[id] {
			t.Errorf("%s has a patch that no object here asks for", id)
		}
	}
}
