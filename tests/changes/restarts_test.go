package changes

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change"
)

// variant is a pod template that says one thing more, or another thing, and whether
// that is another template to the API server. A line of a container has four spaces
// more than one of the pod.
type variant struct {
	name, container, pod string
	differs              bool
	stays                bool // it differs, and to leave it out again does not
}

func variants() []variant {
	return []variant{
		{"restartPolicy", "", "restartPolicy: Always", false, false},
		{"grace", "", "terminationGracePeriodSeconds: 30", false, false},
		{"another grace", "", "terminationGracePeriodSeconds: 31", true, false},
		{"dnsPolicy", "", "dnsPolicy: ClusterFirst", false, false},
		{"another dnsPolicy", "", "dnsPolicy: Default", true, false},
		{"scheduler", "", "schedulerName: default-scheduler", false, false},
		{"another scheduler", "", "schedulerName: other", true, false},
		{"no host network", "", "hostNetwork: false", false, false},
		{"no host processes", "", "hostPID: false", false, false},
		{"no host IPC", "", "hostIPC: false", false, false},
		{"pod security", "", "securityContext: {}", false, false},
		{"pod security of a user", "", "securityContext: {runAsNonRoot: true}", true, false},
		{"no selector", "", "nodeSelector: {}", false, false},
		{"a selector", "", "nodeSelector: {a: b}", true, false},
		{"no tolerations", "", "tolerations: []", false, false},
		{"service links", "", "enableServiceLinks: false", true, false},
		{"no token", "", "automountServiceAccountToken: false", true, false},
		{"account", "", "serviceAccountName: other", true, true},
		{"priority", "", "priorityClassName: system-node-critical", true, false},
		{"hostname", "", "hostname: a", true, false},
		{"init container", "", "initContainers: [{name: i, image: \"registry.example/i:1\"}]", true, false},
		{"pull policy", "imagePullPolicy: IfNotPresent", "", false, false},
		{"another pull policy", "imagePullPolicy: Always", "", true, false},
		{"message path", "terminationMessagePath: /dev/termination-log", "", false, false},
		{"another message path", "terminationMessagePath: /dev/other", "", true, false},
		{"message policy", "terminationMessagePolicy: File", "", false, false},
		{"no input", "stdin: false", "", false, false},
		{"no terminal", "tty: false", "", false, false},
		{"resources", "resources: {}", "", false, false},
		{"some resources", "resources: {requests: {cpu: 1m}}", "", true, false},
		{"no command", "command: []", "", false, false},
		{"a command", "command: [a]", "", true, false},
		{"no arguments", "args: []", "", false, false},
		{"an argument", "args: [a]", "", true, false},
		{"protocol", "ports: [{containerPort: 80, protocol: TCP}]", "", false, false},
		{"another protocol", "ports: [{containerPort: 80, protocol: UDP}]", "", true, false},
		{"another port", "ports: [{containerPort: 81}]", "", true, false},
		{"probe", "livenessProbe: {httpGet: {port: 80, path: /, scheme: HTTP}, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3}", "", false, false},
		{"another probe", "livenessProbe: {httpGet: {port: 80}, periodSeconds: 11}", "", true, false},
		{"another path", "livenessProbe: {httpGet: {port: 80, path: /healthz}}", "", true, false},
		{"field", "env: [{name: X, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}}]", "", false, false},
		{"another field", "env: [{name: X, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}]", "", true, false},
		{"mount", "volumeMounts: [{name: c, mountPath: /c, readOnly: false}]", "", false, false},
		{"read-only mount", "volumeMounts: [{name: c, mountPath: /c, readOnly: true}]", "", true, false},
		{"mode of files", "", "volumes: [{name: c, configMap: {name: c, defaultMode: 420}}, {name: s, secret: {secretName: s, defaultMode: 420}}, {name: e, emptyDir: {}}]", false, false},
		{"another mode of files", "", "volumes: [{name: c, configMap: {name: c, defaultMode: 256}}, {name: s, secret: {secretName: s}}, {name: e, emptyDir: {}}]", true, false},
		{"another volume", "", "volumes: [{name: c, configMap: {name: d}}, {name: s, secret: {secretName: s}}, {name: e, emptyDir: {}}]", true, false},
	}
}

// manifest is a Deployment whose template says what it must, and some more.
func manifest(name string, v variant) string {
	lines := map[string]string{}
	var order []string
	add := func(line string) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if _, said := lines[key]; !said {
			order = append(order, key)
		}
		lines[key] = line
	}
	const c, p = "            ", "        "
	for _, line := range []string{"image: \"registry.example/a:1\"", "ports: [{containerPort: 80}]", "livenessProbe: {httpGet: {port: 80}}",
		"env: [{name: X, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]", "volumeMounts: [{name: c, mountPath: /c}]", v.container} {
		if line != "" {
			add(c + line)
		}
	}
	add(p + "volumes: [{name: c, configMap: {name: c}}, {name: s, secret: {secretName: s}}, {name: e, emptyDir: {}}]")
	if v.pod != "" {
		add(p + v.pod)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: default}\nspec:\n  replicas: 0\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n        containers:\n          - name: a\n", name)
	for _, key := range order {
		b.WriteString(lines[key] + "\n")
	}
	return b.String()
}

// restarts says of each pair whether pods are replaced, and asks the API server
// whether the template is another one: from the plain manifest to the variant, and
// back.
func (s apiServer) restarts(t *testing.T) (pairs int) {
	t.Helper()
	for i, v := range variants() {
		plain, other := object(t, manifest(fmt.Sprintf("plain-%d", i), variant{})), object(t, manifest(fmt.Sprintf("plain-%d", i), v))
		s.template(t, v, plain, other)
		plain, other = object(t, manifest(fmt.Sprintf("other-%d", i), variant{})), object(t, manifest(fmt.Sprintf("other-%d", i), v))
		v.differs = v.differs && !v.stays
		s.template(t, v, other, plain)
		pairs += 2
	}
	return pairs
}

func (s apiServer) template(t *testing.T, v variant, before, after *unstructured.Unstructured) {
	t.Helper()
	live, err := s.applied(t, before)
	if err != nil {
		t.Errorf("%s: %v", v.name, err)
		return
	}
	next, err := s.applied(t, after, metav1.DryRunAll)
	if err != nil {
		t.Errorf("%s: %v", v.name, err)
		return
	}
	differs := !reflect.DeepEqual(live.Object["spec"].(map[string]any)["template"], next.Object["spec"].(map[string]any)["template"])
	if differs != v.differs {
		t.Errorf("%s: the table says another template: %v, the server %v", v.name, v.differs, differs)
	}
	if said := len(predicted(before, after, change.Restarts)) > 0; said != differs {
		t.Errorf("%s: said restarts: %v, the server says another template: %v", v.name, said, differs)
	}
}
