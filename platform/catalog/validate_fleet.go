package catalog

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
)

// hubs checks that the fleet has exactly one hub.
func (l *loader) hubs() {
	var hubs []*Cluster
	for _, c := range l.catalog.Clusters {
		if c.Spec.Role == Hub {
			hubs = append(hubs, c)
		}
	}
	f := l.catalog.Fleet
	unknown := slices.ContainsFunc(l.namedClusters, func(name string) bool {
		return l.broken(path.Join("clusters", name, "cluster.yaml"), "spec.role")
	})
	if f != nil && len(hubs) == 0 && !unknown {
		l.fail(f, "", "no cluster of the fleet has the role hub", "add one below clusters/")
	}
	for i, c := range hubs {
		if i > 0 {
			l.fail(c, "spec.role", "there is a hub already, "+hubs[0].Name, "write edge")
		}
	}
}

func (l *loader) waves(f *Fleet) {
	taken := map[string]string{} // cluster → its wave
	var seen []string
	for i, w := range f.Spec.Waves {
		field := fmt.Sprintf("spec.waves[%d]", i)
		if slices.Contains(seen, w.Name) {
			l.fail(f, field+".name", "wave "+w.Name+" stands twice", "rename it")
		}
		seen = append(seen, w.Name)
		for j, name := range w.Clusters {
			at := fmt.Sprintf("%s.clusters[%d]", field, j)
			if !slices.Contains(l.namedClusters, name) {
				l.fail(f, at, "there is no cluster "+name, suggest("cluster", name, l.namedClusters))
				continue
			}
			if wave, twice := taken[name]; twice {
				l.fail(f, at, fmt.Sprintf("cluster %s is in wave %s already", name, wave), "remove one")
				continue
			}
			taken[name] = w.Name
		}
	}
	if len(f.Spec.Waves) > 0 && !l.broken(f.File, "spec.waves") {
		l.leftOut(f, taken)
	}
}

// leftOut holds that every site is in a wave: a release would never reach one that
// is not, and nothing would say so. A fleet without waves has no order yet.
func (l *loader) leftOut(f *Fleet, taken map[string]string) {
	last := len(f.Spec.Waves) - 1
	for _, c := range l.catalog.Clusters {
		if c.Spec.Role != Edge || taken[c.Name] != "" {
			continue
		}
		l.fail(f, fmt.Sprintf("spec.waves[%d].clusters", last), fmt.Sprintf("site %s (%s) is in no wave, and no release would reach it", c.Name, c.File),
			fmt.Sprintf("add %s to a wave, wave %s for example", c.Name, f.Spec.Waves[last].Name))
	}
}

// production checks the selector of the clusters that weigh more.
func (l *loader) production(f *Fleet) {
	if _, err := labels.Parse(f.Spec.Policy.Production); err != nil {
		l.fail(f, "spec.policy.production", err.Error(), "write it as -l takes it: role=hub, env in (prod, live)")
	}
}

func (l *loader) freezes(f *Fleet) {
	for i, freeze := range f.Spec.Freezes {
		from, errFrom := time.Parse(time.RFC3339, freeze.From)
		to, errTo := time.Parse(time.RFC3339, freeze.To)
		if errFrom == nil && errTo == nil && !to.After(from) {
			l.fail(f, fmt.Sprintf("spec.freezes[%d].to", i), freeze.To+" is not after "+freeze.From, "write a later time")
		}
	}
}

// exceptionList checks what exceptions refer to.
func (l *loader) exceptionList() {
	for i, e := range l.catalog.Exceptions {
		field := fmt.Sprintf("spec.exceptions[%d]", i)
		if name := e.Selector.Cluster; name != "" && !slices.Contains(l.namedClusters, name) {
			l.fail(l.waivers, field+".selector.cluster", "there is no cluster "+name, suggest("cluster", name, l.namedClusters))
		}
		if name := e.Selector.Component; name != "" && !slices.Contains(l.namedComponents, name) {
			l.fail(l.waivers, field+".selector.component", "there is no component "+name, suggest("component", name, l.namedComponents))
		}
		if _, err := path.Match(e.Selector.Name, ""); err != nil {
			l.fail(l.waivers, field+".selector.name", e.Selector.Name+" is no glob", "close the bracket")
		}
		if strings.TrimSpace(e.Reason) == "" {
			l.fail(l.waivers, field+".reason", "is empty", "say why")
		}
	}
}
