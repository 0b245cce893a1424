package catalog

import (
	"fmt"

	"k8s.io/apimachinery/pkg/labels"
)

// SelectLabels are what a selector sees of a cluster: its labels, those of its
// site, and role, profile, provider, region, zone and wave under those names.
func (c *Catalog) SelectLabels(cl *Cluster) map[string]string {
	set := map[string]string{}
	for _, from := range []Labels{cl.Spec.Site.Labels, cl.Labels} {
		for k, v := range from {
			set[k] = v
		}
	}
	for k, v := range map[string]string{
		"role": string(cl.Spec.Role), "profile": cl.Spec.Profile, "provider": cl.Spec.Provider,
		"region": cl.Spec.Site.Region, "zone": cl.Spec.Site.Zone, "wave": c.waveOf(cl.Name),
	} {
		if v != "" {
			set[k] = v
		}
	}
	return set
}

func (c *Catalog) waveOf(name string) string {
	for _, w := range c.Fleet.Spec.Waves {
		for _, member := range w.Clusters {
			if member == name {
				return w.Name
			}
		}
	}
	return ""
}

// Select names the clusters that a selector in Kubernetes' syntax matches
// ("role=edge,zone in (a, b)"), in the catalog's order.
func (c *Catalog) Select(selector string) ([]string, error) {
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, fmt.Errorf("selector %q: %w", selector, err)
	}
	var out []string
	for _, cl := range c.Clusters {
		if parsed.Matches(labels.Set(c.SelectLabels(cl))) {
			out = append(out, cl.Name)
		}
	}
	return out, nil
}

// Production names the clusters that fleet.yaml counts as production: none
// unless it says so.
func (c *Catalog) Production() ([]string, error) {
	if c.Fleet == nil || c.Fleet.Spec.Policy.Production == "" {
		return nil, nil
	}
	return c.Select(c.Fleet.Spec.Policy.Production)
}
