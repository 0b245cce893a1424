package prometheus_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"dualtrack.internal/platform/render"
	"dualtrack.internal/tests/real/rendered"
)

// shown is a port that a pod shows metrics on.
type shown struct {
	namespace, job string
	labels         labels.Set
	port           corev1.ContainerPort
	node           bool // it stands in its node's network
}

// world is what a cluster's bundle says of pods, namespaces and who may reach whom.
type world struct {
	shows      []shown
	prometheus labels.Set
	namespaces map[string]labels.Set
	policies   []networkingv1.NetworkPolicy
	cilium     []ciliumPolicy
}

// ciliumPolicy is what is read of a CiliumNetworkPolicy.
type ciliumPolicy struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Selector metav1.LabelSelector `json:"endpointSelector"`
		Egress   []struct {
			Entities []string `json:"toEntities"`
			Ports    []struct {
				Ports []struct {
					Port     string `json:"port"`
					Protocol string `json:"protocol"`
				} `json:"ports"`
			} `json:"toPorts"`
		} `json:"egress"`
	} `json:"spec"`
}

func convert(t *testing.T, from map[string]any, to any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(from, to); err != nil {
		t.Fatal(err)
	}
}

func worldOf(t *testing.T, b *render.Bundle) world {
	t.Helper()
	w := world{namespaces: map[string]labels.Set{}}
	for _, o := range b.Objects {
		switch o.GetKind() {
		case "Namespace":
			w.namespaces[o.GetName()] = labels.Merge(o.GetLabels(), labels.Set{"kubernetes.io/metadata.name": o.GetName()})
		case "NetworkPolicy":
			var p networkingv1.NetworkPolicy
			convert(t, o.Object, &p)
			w.policies = append(w.policies, p)
		case "CiliumNetworkPolicy":
			var p ciliumPolicy
			convert(t, o.Object, &p)
			w.cilium = append(w.cilium, p)
		}
		content, found, err := unstructured.NestedMap(o.Object, "spec", "template")
		if err != nil || !found {
			continue
		}
		var pod corev1.PodTemplateSpec
		convert(t, content, &pod)
		name := pod.Labels["app.kubernetes.io/name"]
		if name == "prometheus" {
			w.prometheus = pod.Labels
		}
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			for _, p := range c.Ports {
				job := map[string]string{"metrics": name, "envoy-metrics": name + "-envoy", "hubble-metrics": "hubble"}[p.Name]
				if job != "" {
					w.shows = append(w.shows, shown{o.GetNamespace(), job, pod.Labels, p, pod.Spec.HostNetwork})
				}
			}
		}
	}
	return w
}

// selects says whether a peer of a policy in a namespace is a pod of another one.
func (w world) selects(t *testing.T, policy string, peer networkingv1.NetworkPolicyPeer, namespace string, pod labels.Set) bool {
	t.Helper()
	matches := func(s *metav1.LabelSelector, set labels.Set) bool {
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil {
			t.Fatal(err)
		}
		return selector.Matches(set)
	}
	switch {
	case peer.IPBlock != nil:
		return false // pods' addresses are nobody's to write down
	case peer.NamespaceSelector == nil && namespace != policy,
		peer.NamespaceSelector != nil && !matches(peer.NamespaceSelector, w.namespaces[namespace]):
		return false
	}
	return peer.PodSelector == nil || matches(peer.PodSelector, pod)
}

// reachesNode says whether Prometheus is let out to a port of every node, both by an
// address and by what Cilium calls nodes, to which they are no addresses. What stands
// in a node's network no policy of pods keeps anybody out of.
func (w world) reachesNode(s shown) bool {
	port := strconv.Itoa(int(s.port.ContainerPort))
	blocks, entities := map[string]bool{}, map[string]bool{}
	for _, p := range w.policies {
		for _, rule := range p.Spec.Egress {
			if p.Namespace != home || p.Name != "prometheus" || !slices.ContainsFunc(rule.Ports, func(q networkingv1.NetworkPolicyPort) bool { return q.Port.String() == port }) {
				continue
			}
			for _, to := range rule.To {
				if to.IPBlock != nil {
					blocks[to.IPBlock.CIDR] = true
				}
			}
		}
	}
	for _, p := range w.cilium {
		if p.Metadata.Namespace != home || p.Spec.Selector.MatchLabels["k8s:app.kubernetes.io/name"] != "prometheus" {
			continue
		}
		for _, rule := range p.Spec.Egress {
			for _, ports := range rule.Ports {
				for _, q := range ports.Ports {
					if q.Port == port && q.Protocol == "TCP" {
						for _, e := range rule.Entities {
							entities[e] = true
						}
					}
				}
			}
		}
	}
	return len(blocks) == 3 && entities["host"] && entities["remote-node"]
}

const home = "observability"

// reaches says whether the policies let Prometheus out to a port and into it.
func (w world) reaches(t *testing.T, s shown) (out, in bool) {
	t.Helper()
	if s.node {
		return w.reachesNode(s), true
	}
	opens := func(ports []networkingv1.NetworkPolicyPort) bool {
		return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
			return p.Port == nil || p.Port.String() == s.port.Name || p.Port.String() == strconv.Itoa(int(s.port.ContainerPort))
		})
	}
	for _, p := range w.policies {
		self := networkingv1.NetworkPolicyPeer{PodSelector: &p.Spec.PodSelector}
		for _, rule := range p.Spec.Egress {
			out = out || w.selects(t, p.Namespace, self, home, w.prometheus) && opens(rule.Ports) &&
				slices.ContainsFunc(rule.To, func(to networkingv1.NetworkPolicyPeer) bool {
					return w.selects(t, p.Namespace, to, s.namespace, s.labels)
				})
		}
		for _, rule := range p.Spec.Ingress {
			in = in || w.selects(t, p.Namespace, self, s.namespace, s.labels) && opens(rule.Ports) &&
				slices.ContainsFunc(rule.From, func(from networkingv1.NetworkPolicyPeer) bool {
					return w.selects(t, p.Namespace, from, home, w.prometheus)
				})
		}
	}
	return out, in
}

// TestWhatShowsMetricsIsScraped wants every port that shows metrics to be in a
// namespace that Prometheus looks at, reachable for it, and its metrics in a list of
// the catalogue.
func TestWhatShowsMetricsIsScraped(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	lists, err := filepath.Glob("../../../tools/dashboards/catalogue/lists/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range lists {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^# jobs: (.+)$`).FindAllStringSubmatch(string(text), -1) {
			for _, job := range strings.Fields(m[1]) {
				listed[job] = true
			}
		}
	}
	configs := map[string]map[string]any{}
	for _, s := range rendered.Subjects(t, "prometheus") {
		configs[s.Cluster] = config(t, s.Files)
	}
	seen := map[string]bool{}
	for _, b := range rendered.Bundles(t) {
		looksAt := namespaces(t, configs[b.Cluster])
		w := worldOf(t, b)
		for _, s := range w.shows {
			seen[s.job] = true
			out, in := w.reaches(t, s)
			if !slices.Contains(looksAt, s.namespace) || !out || !in || !listed[s.job] {
				t.Errorf("%s: %s in %s, port %d: scraped in %v; let out %v, let in %v; in a list of metrics %v",
					b.Cluster, s.job, s.namespace, s.port.ContainerPort, looksAt, out, in, listed[s.job])
			}
		}
	}
	for _, job := range []string{"alertmanager", "cilium-agent", "cilium-operator", "hubble", "envoy-gateway", "jaeger", "order-service", "order-service-envoy", "otel-agent", "otel-gateway", "edge-inference"} {
		if !seen[job] {
			t.Errorf("no cluster has a %s that shows metrics", job)
		}
	}
}

// namespaces are those whose pods Prometheus looks at.
func namespaces(t *testing.T, config map[string]any) []string {
	t.Helper()
	var out []string
	for _, job := range config["scrape_configs"].([]any) {
		if job := job.(map[string]any); job["job_name"] == "pods" || job["job_name"] == "cilium" {
			for _, n := range job["kubernetes_sd_configs"].([]any)[0].(map[string]any)["namespaces"].(map[string]any)["names"].([]any) {
				out = append(out, n.(string))
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("the configuration looks at no namespace")
	}
	return out
}

// TestSilencesLimit holds the alert about many silences to the limit that
// Alertmanager is started with.
func TestSilencesLimit(t *testing.T) {
	t.Parallel()
	most := 0
	for _, arg := range rendered.Subjects(t, "alertmanager", "hub")[0].Args {
		if text, ok := strings.CutPrefix(arg, "--silences.max-silences="); ok {
			most, _ = strconv.Atoi(text)
		}
	}
	for _, f := range ruleFiles(t) {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				if r.Alert == "AlertmanagerSilencesMany" && strings.HasSuffix(strings.TrimSpace(r.Expr), " > "+strconv.Itoa(most*4/5)) && most > 0 {
					return
				}
			}
		}
	}
	t.Errorf("no alert at four fifths of the %d silences that Alertmanager takes", most)
}
