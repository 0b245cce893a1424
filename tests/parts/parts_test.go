package parts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/validate"
)

// stack is the real repository's components, with clusters of the test's own.
type stack struct {
	dir  string
	real *catalog.Catalog
}

func newStack(t *testing.T) stack {
	t.Helper()
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	s := stack{dir: t.TempDir(), real: cat}
	if err := os.CopyFS(filepath.Join(s.dir, "components"), os.DirFS(filepath.Join(root, "components"))); err != nil {
		t.Fatal(err)
	}
	return s
}

// load makes the fleet of these clusters, name → cluster.yaml, and reads it.
func (s stack) load(t *testing.T, clusters map[string]string) (*catalog.Catalog, error) {
	t.Helper()
	folder := filepath.Join(s.dir, "clusters")
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	s.write(t, "clusters/fleet.yaml", "apiVersion: platform.dualtrack.internal/v1alpha1\nkind: Fleet\nmetadata: {name: parts}\nspec:\n  waves: []\n")
	for name, text := range clusters {
		s.write(t, "clusters/"+name+"/cluster.yaml", text)
	}
	return catalog.Load(s.dir)
}

func (s stack) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// text is a real cluster's file.
func (s stack) text(t *testing.T, c *catalog.Cluster) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.real.Root, filepath.FromSlash(c.File)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var entry = regexp.MustCompile(`(?m)^    - name: (\S+)\n(?:(?:      .*)?\n)*`)

// without is a cluster's file under another name, and less one component.
func without(t *testing.T, text, name, component string) string {
	t.Helper()
	head, list, found := strings.Cut(text, "\n  components:\n")
	if !found {
		t.Fatalf("no list of components in %s", text)
	}
	removed := false
	list = entry.ReplaceAllStringFunc(list, func(e string) string {
		if entry.FindStringSubmatch(e)[1] == component && !removed {
			removed = true
			return ""
		}
		return e
	})
	if !removed {
		t.Fatalf("%s is not in the list of %s", component, text)
	}
	head = regexp.MustCompile(`(?m)^  name: .*$`).ReplaceAllString(head, "  name: "+name)
	return head + "\n  components:\n" + list
}

// dependants are the components of a cluster that need one to be there.
func dependants(cat *catalog.Catalog, c *catalog.Cluster, component string) []string {
	var out []string
	for _, other := range c.Spec.Components {
		if slices.Contains(cat.Components[other.Name].Spec.DependsOn, component) {
			out = append(out, other.Name)
		}
	}
	slices.Sort(out)
	return out
}

// rendered holds that every cluster has its whole bundle, and gives what the files
// in it name and the bundle lacks: "cluster: words".
func rendered(t *testing.T, cat *catalog.Catalog, clusters ...string) []string {
	t.Helper()
	all, err := render.All(t.Context(), cat, render.Options{Clusters: clusters})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all.Findings {
		if f.Severity == finding.Error {
			t.Errorf("%v: %s: %s: %s", f.Clusters, f.Position, f.Message, f.Mend)
		}
	}
	images := map[string]string{}
	for name, image := range cat.Baseline.Spec.Images {
		images[name] = image.Ref()
	}
	var missing []string
	for _, b := range all.Bundles {
		for _, n := range b.NotRendered {
			t.Errorf("%s: %+v", b.Cluster, n)
		}
		for _, subject := range validate.Subjects(b, validate.Checkers(), images) {
			for _, p := range subject.Problems {
				missing = append(missing, fmt.Sprintf("%s: %s: %s", b.Cluster, subject.Component, p.Message))
			}
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// TestEachComponentOff turns each component of each cluster off.
func TestEachComponentOff(t *testing.T) {
	s := newStack(t)
	clusters := map[string]string{} // of the sites in one fleet; a fleet has one hub
	hubs := map[string]string{}
	for _, c := range s.real.Clusters {
		for _, one := range c.Spec.Components {
			name := c.Name + "-less-" + one.Name
			text := without(t, s.text(t, c), name, one.Name)
			switch needed := dependants(s.real, c, one.Name); {
			case len(needed) > 0:
				s.refused(t, c, name, text, one.Name, needed)
			case c.Spec.Role == catalog.Hub:
				hubs[name] = text
			default:
				clusters[name] = text
			}
		}
	}
	if len(hubs) < 5 || len(clusters) < 14 {
		t.Fatalf("%d hubs and %d sites are left to render", len(hubs), len(clusters))
	}
	missing := []string{}
	for name, text := range hubs {
		clusters[name] = text
		cat, err := s.load(t, clusters)
		if err != nil {
			t.Fatal(err)
		}
		var names []string // the sites with the first hub, the other hubs alone
		for _, c := range cat.Clusters {
			names = append(names, c.Name)
		}
		missing = append(missing, rendered(t, cat, names...)...)
		clusters = map[string]string{}
	}
	lacks := map[string][]string{} // component that is off → who misses what of it
	for _, m := range missing {
		cluster, words, _ := strings.Cut(m, ": ")
		_, off, _ := strings.Cut(cluster, "-less-")
		words, _, _ = strings.Cut(words, ", which the cluster")
		lacks[off] = append(lacks[off], words)
	}
	for off := range lacks {
		slices.Sort(lacks[off])
		lacks[off] = slices.Compact(lacks[off])
	}
	if diff := cmp.Diff(lacking(), lacks); diff != "" {
		t.Errorf("what `platform validate` refuses then (-want +got):\n%s", diff)
	}
}

// lacking is what components name of others that they do not depend on: these need
// not be there first, or not on every cluster. `platform validate` refuses it by file,
// line and mend; a start would not.
func lacking() map[string][]string {
	return map[string][]string{
		"alertmanager":  {"prometheus: names the Service observability/alertmanager"},
		"envoy-sidecar": {"order-service: mounts ConfigMap orders/envoy-sidecar"},
		"order-service": {
			"envoy-gateway: names the Service orders/order-service-pods",
			"envoy-gateway: names the Service orders/order-service-pods-eu-central-a",
			"envoy-gateway: names the Service orders/order-service-pods-eu-central-b",
			"envoy-gateway: names the Service orders/order-service-pods-eu-central-c",
		},
	}
}

// refused holds that the fleet is refused, for each of those that need the
// component, at its line in the cluster's file.
func (s stack) refused(t *testing.T, c *catalog.Cluster, name, text, component string, needed []string) {
	t.Helper()
	fleet := map[string]string{name: text}
	for _, other := range s.real.Clusters {
		if other.Spec.Role == catalog.Hub && c.Spec.Role != catalog.Hub {
			fleet[other.Name] = s.text(t, other)
		}
	}
	_, err := s.load(t, fleet)
	problems, other := finding.Gather(err)
	if other != nil || len(problems) == 0 {
		t.Errorf("%s is taken, %v", name, other)
	}
	var got []string
	for _, p := range problems {
		if p.Position.File != "clusters/"+name+"/cluster.yaml" || p.Position.Line == 0 || p.Mend != "add "+component {
			t.Errorf("%s: a problem without place or mend: %v", name, p)
		}
		who, _, _ := strings.Cut(strings.TrimPrefix(p.What, "component "), " depends on "+component)
		got = append(got, who)
	}
	slices.Sort(got)
	if diff := cmp.Diff(needed, got); diff != "" {
		t.Errorf("%s: refused for (-want +got):\n%s", name, diff)
	}
}

// TestEachProfileAlone renders each component with each profile, with what it
// depends on and nothing else, and the hub's whole list with each.
func TestEachProfileAlone(t *testing.T) {
	s := newStack(t)
	var hub *catalog.Cluster
	for _, c := range s.real.Clusters {
		if c.Spec.Role == catalog.Hub {
			hub = c
		}
	}
	for _, profile := range []string{"tiny", "small", "hub"} {
		clusters := s.alone(profile)
		clusters["hub"] = regexp.MustCompile(`(?m)^  profile: .*$`).ReplaceAllString(s.text(t, hub), "  profile: "+profile)
		cat, err := s.load(t, clusters)
		if err != nil {
			t.Fatal(err)
		}
		if len(cat.Clusters) < 12 {
			t.Fatalf("%s: %d clusters", profile, len(cat.Clusters))
		}
		for _, m := range rendered(t, cat) {
			if !beside(m) {
				t.Errorf("%s: %s", profile, m)
			}
		}
	}
}

// alone are sites that run one component each, with what it depends on. What is for
// the hub only is left out.
func (s stack) alone(profile string) map[string]string {
	clusters := map[string]string{}
	for name, component := range s.real.Components {
		if len(component.Spec.Roles) > 0 && !slices.Contains(component.Spec.Roles, catalog.Edge) {
			continue
		}
		cluster := "edge-" + profile + "-" + name
		text := "apiVersion: platform.dualtrack.internal/v1alpha1\nkind: Cluster\nmetadata: {name: " + cluster + "}\nspec:\n  role: edge\n  profile: " + profile +
			"\n  site: {city: Quito, country: EC, region: sa-west, zone: quito-1, timeZone: America/Guayaquil}\n  nodes: [{name: box}]\n  components:\n"
		for _, needed := range closure(s.real, name) {
			text += "    - name: " + needed + "\n"
			if needed == "base" {
				text += "      values: {site: {name: " + cluster + ", city: Quito}}\n"
			}
		}
		clusters[cluster] = text
	}
	return clusters
}

// beside says that a component alone lacks what it has of those beside it elsewhere.
func beside(missing string) bool {
	cluster, words, _ := strings.Cut(missing, ": ")
	for _, list := range lacking() {
		if cluster != "hub" && slices.ContainsFunc(list, func(known string) bool { return strings.HasPrefix(words, known+",") }) {
			return true
		}
	}
	return false
}

// closure is a component and all that it depends on, as a cluster lists them.
func closure(cat *catalog.Catalog, name string) []string {
	out := []string{name}
	for i := 0; i < len(out); i++ {
		for _, needed := range cat.Components[out[i]].Spec.DependsOn {
			if !slices.Contains(out, needed) {
				out = append(out, needed)
			}
		}
	}
	return out
}

// TestCirclesAndStrangers breaks the real components' dependsOn.
func TestCirclesAndStrangers(t *testing.T) {
	s := newStack(t)
	clusters := map[string]string{}
	for _, c := range s.real.Clusters {
		clusters[c.Name] = s.text(t, c)
	}
	cases := []struct{ component, at, old, new, want string }{
		{"base", "otel", "  source:\n", "  dependsOn: [otel]\n  source:\n", "goes in a circle: base → otel → base; remove one of these"},
		{"otel", "otel", "dependsOn: [base]", "dependsOn: [base, jeager]", "there is no component jeager; did you mean jaeger?"},
	}
	for _, c := range cases {
		file := "components/" + c.component + "/component.yaml"
		data, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(file)))
		if err != nil || !strings.Contains(string(data), c.old) {
			t.Fatalf("%s has no %q: %v", file, c.old, err)
		}
		s.write(t, file, strings.Replace(string(data), c.old, c.new, 1))
		_, err = s.load(t, clusters)
		problems, _ := finding.Gather(err)
		i := slices.IndexFunc(problems, func(p *finding.Problem) bool { return strings.HasPrefix(p.What+"; "+p.Mend, c.want) })
		if i < 0 || problems[i].Position.File != "components/"+c.at+"/component.yaml" || problems[i].Position.Line == 0 {
			t.Errorf("%s: want a line of %s: %s\ngot %v", c.new, c.at, c.want, err)
		}
		s.write(t, file, string(data))
	}
}

// TestFirstClusters holds that the clusters of a new repository lack nothing.
func TestFirstClusters(t *testing.T) {
	s := newStack(t)
	clusters := map[string]string{}
	for file, name := range map[string]string{"hub.yaml": "hub", "site.yaml": "edge-one"} {
		data, err := os.ReadFile(filepath.Join(s.real.Root, "platform", "cli", "initial", file))
		if err != nil {
			t.Fatal(err)
		}
		clusters[name] = strings.NewReplacer("{{.Hub}}", name, "{{.Site}}", name).Replace(string(data))
	}
	cat, err := s.load(t, clusters)
	if err != nil {
		t.Fatal(err)
	}
	if missing := rendered(t, cat); len(missing) > 0 {
		t.Errorf("a new repository lacks:\n%s", strings.Join(missing, "\n"))
	}
}
