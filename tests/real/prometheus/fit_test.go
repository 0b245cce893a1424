package prometheus_test

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/render"
	"dualtrack.internal/tests/real/rendered"
)

// pod is the rendered pod of a bundle's Prometheus.
func pod(t *testing.T, b *render.Bundle) corev1.PodSpec {
	t.Helper()
	for _, o := range b.Objects {
		if o.GetKind() != "StatefulSet" || o.GetName() != "prometheus" {
			continue
		}
		content, _, err := unstructured.NestedMap(o.Object, "spec", "template", "spec")
		if err != nil {
			t.Fatal(err)
		}
		var spec corev1.PodSpec
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &spec); err != nil {
			t.Fatal(err)
		}
		return spec
	}
	t.Fatalf("%s has no Prometheus", b.Cluster)
	return corev1.PodSpec{}
}

// longest is the longest time that a rule looks back, in days and hours.
func longest(t *testing.T) time.Duration {
	t.Helper()
	most := time.Duration(0)
	for _, f := range ruleFiles(t) {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				for _, m := range regexp.MustCompile(`\[(\d+)([mhd])\]`).FindAllStringSubmatch(r.Expr, -1) {
					n, err := strconv.Atoi(m[1])
					if err != nil {
						t.Fatal(err)
					}
					most = max(most, time.Duration(n)*map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]])
				}
			}
		}
	}
	return most
}

// TestSizesFit holds together what is written in several places: retention is longer
// than the longest window by a block, the volume larger than the retained bytes
// by what compaction writes first, the garbage collector's limit below the pod's, and
// one query's samples below half of it.
func TestSizesFit(t *testing.T) {
	t.Parallel()
	window := longest(t)
	if window != 72*time.Hour {
		t.Errorf("the longest window is %s; burn rates ask for 72 h", window)
	}
	for _, b := range rendered.Bundles(t) {
		spec := pod(t, b)
		env := map[string]string{}
		for _, e := range spec.Containers[0].Env {
			env[e.Name] = e.Value
		}
		days, err := strconv.Atoi(strings.TrimSuffix(env["RETENTION_TIME"], "d"))
		// The head and the youngest block move on in steps of two hours.
		if kept := time.Duration(days) * 24 * time.Hour; err != nil || kept < window+2*time.Hour {
			t.Errorf("%s keeps %s, and rules look back for %s: %v", b.Cluster, env["RETENTION_TIME"], window, err)
		}
		kept := amount(t, strings.Replace(env["RETENTION_SIZE"], "B", "", 1))
		i := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == "data" })
		if room := spec.Volumes[i].EmptyDir.SizeLimit.Value(); float64(room) < 1.25*float64(kept) {
			t.Errorf("%s keeps %d bytes on a volume of %d", b.Cluster, kept, room)
		}
		limit := spec.Containers[0].Resources.Limits.Memory().Value()
		soft := amount(t, strings.Replace(env["GOMEMLIMIT"], "iB", "i", 1))
		if share := float64(soft) / float64(limit); share < 0.75 || share > 0.85 {
			t.Errorf("%s: GOMEMLIMIT is %.2f of the memory limit; four fifths are meant", b.Cluster, share)
		}
		if samples := amount(t, env["QUERY_MAX_SAMPLES"]); samples*16 > limit/2 {
			t.Errorf("%s: a query may hold %d samples of 16 bytes, of %d", b.Cluster, samples, limit)
		}
	}
}

func amount(t *testing.T, text string) int64 {
	t.Helper()
	q, err := resource.ParseQuantity(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return q.Value()
}

// TestTheHubTakesWhatSitesSend follows a site's address through the hub's Envoy to
// the hub's Prometheus: host and port, path, and the service behind.
func TestTheHubTakesWhatSitesSend(t *testing.T) {
	t.Parallel()
	hub := files(t, rendered.Subjects(t, "envoy", "hub")[0].Files, "/etc/envoy-xds/")
	listener, routes, clusters := hub["lds.yaml"], hub["rds.yaml"], hub["cds.yaml"]
	for _, s := range rendered.Subjects(t, "prometheus") {
		writes := config(t, s.Files)["remote_write"]
		if s.Cluster == "hub" {
			if writes != nil || !slices.Contains(s.Args, "--web.enable-remote-write-receiver") {
				t.Error("the hub sends, or does not take what is sent")
			}
			continue
		}
		text, _ := writes.([]any)[0].(map[string]any)["url"].(string)
		at, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct{ where, text, part string }{
			{"the hub's listener", listener, "port_value: " + at.Port()},
			{"the hub's routes", routes, "path: " + at.Path + "\n"},
			{"the hub's clusters", clusters, "address: prometheus.observability.svc.cluster.local"},
		} {
			if !strings.Contains(want.text, want.part) {
				t.Errorf("%s sends to %s, and %s lack %q", s.Cluster, text, want.where, want.part)
			}
		}
		if at.Scheme != "https" || at.Hostname() != "gateway.hub.dualtrack.internal" {
			t.Errorf("%s sends to %s", s.Cluster, text)
		}
	}
}

// files are the files of one folder, written in one way.
func files(t *testing.T, all map[string]string, folder string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, text := range all {
		base, ok := strings.CutPrefix(name, folder)
		if !ok {
			continue
		}
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		plain, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out[base] = string(plain)
	}
	return out
}

// config is the configuration that a container reads.
func config(t *testing.T, files map[string]string) map[string]any {
	t.Helper()
	var c map[string]any
	if err := yaml.Unmarshal([]byte(files["/etc/prometheus/prometheus.yml"]), &c); err != nil {
		t.Fatal(err)
	}
	return c
}
