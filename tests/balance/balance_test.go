package balance_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
)

// cluster is what Envoy is told of the orders' cluster, as far as shares go.
type cluster struct {
	Name   string `json:"name"`
	Common struct {
		Panic     *struct{ Value float64 } `json:"healthy_panic_threshold"`
		ZoneAware *struct {
			Enabled struct{ Value float64 } `json:"routing_enabled"`
			Min     int                     `json:"min_cluster_size"`
		} `json:"zone_aware_lb_config"`
	} `json:"common_lb_config"`
	Load struct {
		Policy struct {
			Overprovisioning int `json:"overprovisioning_factor"`
		}
		Endpoints []struct {
			Priority int `json:"priority"`
			Locality struct{ Zone string }
		}
	} `json:"load_assignment"`
	Outliers struct {
		MaxPercent int `json:"max_ejection_percent"`
	} `json:"outlier_detection"`
	Breakers struct {
		Thresholds []struct {
			Requests int `json:"max_requests"`
			Pending  int `json:"max_pending_requests"`
			Budget   struct {
				Percent struct{ Value float64 } `json:"budget_percent"`
				Min     int                     `json:"min_retry_concurrency"`
			} `json:"retry_budget"`
		}
	} `json:"circuit_breakers"`
}

func orders(t *testing.T, role string) cluster {
	t.Helper()
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "components", "envoy-gateway", role, "cds.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Resources []cluster }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(file.Resources, func(c cluster) bool { return c.Name == "orders" })
	if i < 0 {
		t.Fatalf("%s: there is no cluster orders", role)
	}
	return file.Resources[i]
}

// of is how many of a priority's or zone's endpoints are well.
type of struct{ Healthy, All int }

// priorities are the shares of two priorities in percent: health is the healthy
// part times the overprovisioning factor, at most 100; the first takes its health,
// the next what is left, and less than 100 in all is stretched to 100.
func (c cluster) priorities(hosts ...of) []int {
	health, total := make([]int, len(hosts)), 0
	for i, h := range hosts {
		if h.All > 0 {
			health[i] = min(100, c.Load.Policy.Overprovisioning*h.Healthy/h.All)
		}
		total += health[i]
	}
	total = min(100, total)
	shares, left := make([]int, len(hosts)), 100
	if total == 0 {
		return shares // with a panic threshold of 0 nobody is asked: 503
	}
	for i := range hosts {
		shares[i] = min(left, health[i]*100/total)
		left -= shares[i]
	}
	return shares
}

func TestASiteSpillsToTheHub(t *testing.T) {
	t.Parallel()
	c := orders(t, "edge")
	if c.Common.Panic == nil || c.Common.Panic.Value != 0 {
		t.Fatal("with a panic threshold above 0 the shares below do not hold: dead pods are asked too")
	}
	cases := []struct {
		site, hub of
		want      []int // percent to the site's pods, and to the hub
	}{
		{of{3, 3}, of{1, 1}, []int{100, 0}},
		{of{5, 7}, of{1, 1}, []int{100, 0}}, // five sevenths are all, by the factor of 1.4
		{of{2, 3}, of{1, 1}, []int{93, 7}},
		{of{3, 5}, of{1, 1}, []int{84, 16}},
		{of{1, 2}, of{1, 1}, []int{70, 30}},
		{of{1, 3}, of{1, 1}, []int{46, 54}},
		{of{0, 3}, of{1, 1}, []int{0, 100}},
		{of{0, 0}, of{1, 1}, []int{0, 100}}, // no pods at all
		{of{1, 3}, of{0, 1}, []int{100, 0}}, // the line to the hub is down: what is well takes all
		{of{0, 3}, of{0, 1}, []int{0, 0}},
	}
	for _, x := range cases {
		if diff := cmp.Diff(x.want, c.priorities(x.site, x.hub)); diff != "" {
			t.Errorf("%v at the site, %v on the hub (-want +got):\n%s", x.site, x.hub, diff)
		}
	}
	if c.Common.ZoneAware != nil {
		t.Error("a site is one zone: zone-aware routing changes nothing there")
	}
}

// zones are the shares that the first zone's gateways send to each zone, in tenths
// of a percent. It is nil where Envoy does not look at zones: pods share evenly.
func (c cluster) zones(gateways []int, pods []of) []int {
	var healthy, all, senders, seen int
	for i, p := range pods {
		healthy, all, senders = healthy+p.Healthy, all+p.All, senders+gateways[i]
		if p.All > 0 {
			seen++
		}
	}
	running := len(gateways) - len(slices.DeleteFunc(slices.Clone(gateways), func(n int) bool { return n > 0 }))
	switch {
	case seen < 2 || seen != running || gateways[0] == 0 || pods[0].Healthy == 0,
		healthy < c.Common.ZoneAware.Min, float64(healthy)*100 < c.Common.Panic.Value*float64(all):
		return nil
	}
	part := func(n, of int) float64 { return float64(n) / float64(of) }
	own := min(1, part(pods[0].Healthy, healthy)/part(gateways[0], senders))
	room, rest := make([]float64, len(pods)), 0.0
	for i := 1; i < len(pods); i++ {
		room[i] = max(0, part(pods[i].Healthy, healthy)-part(gateways[i], senders))
		rest += room[i]
	}
	shares := make([]int, len(pods))
	shares[0] = int(own*1000 + 0.5)
	for i := 1; i < len(pods) && own < 1; i++ {
		shares[i] = int((1-own)*room[i]/rest*1000 + 0.5)
	}
	return shares
}

func TestTheHubStaysInItsZone(t *testing.T) {
	t.Parallel()
	c := orders(t, "hub")
	if c.Common.ZoneAware == nil || c.Common.ZoneAware.Enabled.Value != 100 || len(c.Load.Endpoints) != 3 {
		t.Fatalf("the hub routes by zone in its three zones: %+v", c)
	}
	even := []int{1, 1, 1}
	cases := []struct {
		name     string
		gateways []int
		pods     []of
		want     []int // tenths of a percent of what the first zone's gateways send
	}{
		{"all well", even, []of{{2, 2}, {2, 2}, {2, 2}}, []int{1000, 0, 0}},
		{"one of the own pods is ill", even, []of{{1, 2}, {2, 2}, {2, 2}}, []int{600, 200, 200}},
		{"one of another zone's is ill", even, []of{{2, 2}, {1, 2}, {2, 2}}, []int{1000, 0, 0}},
		{"the own zone has grown", even, []of{{5, 5}, {2, 2}, {2, 2}}, []int{1000, 0, 0}},
		{"another zone has grown", even, []of{{2, 2}, {5, 5}, {2, 2}}, []int{667, 333, 0}},
		{"the own pods are all ill", even, []of{{0, 2}, {2, 2}, {2, 2}}, nil},
		{"another zone has no pod", even, []of{{2, 2}, {0, 0}, {2, 2}}, nil},
		{"another zone has no gateway", []int{1, 0, 1}, []of{{2, 2}, {2, 2}, {2, 2}}, nil},
		{"three are well", even, []of{{1, 2}, {1, 2}, {1, 2}}, nil},
		{"fewer than half are well", even, []of{{4, 5}, {0, 5}, {0, 5}}, nil},
	}
	for _, x := range cases {
		if diff := cmp.Diff(x.want, c.zones(x.gateways, x.pods)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.name, diff)
		}
	}
}

// panics says whether Envoy asks all endpoints, the ill ones too.
func (c cluster) panics(hosts of) bool {
	return float64(hosts.Healthy)*100 < c.Common.Panic.Value*float64(hosts.All)
}

// ejectable is how many of n endpoints may be ejected at a time: one always, more
// while less than the limit's part is out.
func (c cluster) ejectable(n int) int {
	out := 0
	for out < n && (out == 0 || out*100 < c.Outliers.MaxPercent*n) {
		out++
	}
	return out
}

func TestEjectionAndPanic(t *testing.T) {
	t.Parallel()
	type state struct {
		Ejectable int
		Panics    bool // with that many out
	}
	cases := []struct {
		role string
		pods int
		want state
	}{
		{"hub", 6, state{3, false}}, // half: zones do not count below it
		{"hub", 7, state{4, true}},
		{"hub", 15, state{8, true}},
		{"edge", 1, state{1, false}}, // the hub takes over
		{"edge", 3, state{3, false}},
	}
	for _, x := range cases {
		c := orders(t, x.role)
		got := state{Ejectable: c.ejectable(x.pods)}
		got.Panics = c.panics(of{x.pods - got.Ejectable, x.pods})
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s with %d pods (-want +got):\n%s", x.role, x.pods, diff)
		}
	}
}

// retries is how many may be under way beside requests that are active or wait: a
// percentage of them, and never less than the floor.
func (c cluster) retries(active int) int {
	b := c.Breakers.Thresholds[0].Budget
	return max(b.Min, int(b.Percent.Value*float64(active)/100))
}

func TestRetryBudget(t *testing.T) {
	t.Parallel()
	cases := []struct {
		role         string
		active, want int
	}{
		{"edge", 1, 3}, {"edge", 15, 3}, {"edge", 20, 4}, {"edge", 100, 20}, {"edge", 1024 + 256, 256},
		{"hub", 1, 5}, {"hub", 25, 5}, {"hub", 100, 20}, {"hub", 4096 + 1024, 1024},
	}
	for _, x := range cases {
		c := orders(t, x.role)
		if got := c.retries(x.active); got != x.want {
			t.Errorf("%s with %d requests under way: %d retries, want %d", x.role, x.active, got, x.want)
		}
		most := c.Breakers.Thresholds[0].Requests + c.Breakers.Thresholds[0].Pending
		if worst := c.retries(most); worst*4 > most {
			t.Errorf("%s: %d retries of %d requests are no budget", x.role, worst, most)
		}
	}
}

// TestZonesAreTheClusters holds that the zones of the gateway's localities, of the
// order service and of the hub's nodes are the same.
func TestZonesAreTheClusters(t *testing.T) {
	t.Parallel()
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, e := range orders(t, "hub").Load.Endpoints {
		want = append(want, e.Locality.Zone)
	}
	for _, c := range cat.Clusters {
		if c.Spec.Role != catalog.Hub {
			continue
		}
		var nodes []string
		for _, n := range c.Spec.Nodes {
			nodes = append(nodes, n.Zone)
		}
		if diff := cmp.Diff(strings.Join(want, " "), strings.Join(slices.Compact(nodes), " ")); diff != "" {
			t.Errorf("%s: zones (-the gateway's localities +the nodes):\n%s", c.Name, diff)
		}
	}
}
