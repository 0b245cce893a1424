package catalog

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"dualtrack.internal/platform/finding"
)

// Names lists the nodes that the entry stands for: its name alone, or with a
// count over 1 the name with -1, -2, … behind it.
func (n Node) Names() []string {
	if n.Count <= 1 {
		return []string{n.Name}
	}
	out := make([]string, n.Count)
	for i := range out {
		out[i] = n.Name + "-" + strconv.Itoa(i+1)
	}
	return out
}

func (l *loader) cluster(c *Cluster) {
	l.labels(c, "metadata.labels", c.Labels)
	l.labels(c, "spec.site.labels", c.Spec.Site.Labels)
	for _, zone := range []struct{ field, value string }{
		{"spec.site.region", c.Spec.Site.Region}, {"spec.site.zone", c.Spec.Site.Zone},
	} {
		if errs := validation.IsValidLabelValue(zone.value); errs != nil {
			l.fail(c, zone.field, fmt.Sprintf("%q is no label value, and nodes carry it as one", zone.value), labelMend)
		}
	}
	l.provider(c)
	l.kind(c)
	l.nodes(c)
	l.realNode(c)
	l.extraArgs(c)
	l.requests(c)
	l.memory(c)
	l.etcd(c)
	l.kubelet(c)
	l.clusterComponents(c)
	for i, w := range c.Spec.Windows {
		l.once(c, fmt.Sprintf("spec.windows[%d].days", i), w.Days)
	}
}

// provider holds what a cluster declares against what its provider uses.
func (l *loader) provider(c *Cluster) {
	existing := c.Spec.Provider == ProviderExisting
	switch {
	case existing && c.Spec.Existing.Context == "":
		l.fail(c, "spec.existing.context", "is missing, and provider existing finds the cluster by it", "name a context of your kubeconfig")
	case !existing && c.Spec.Existing.Context != "":
		l.fail(c, "spec.existing", "is set, and provider "+c.Spec.Provider+" does not use it", "remove it, or set `provider: existing`")
	}
	switch {
	case existing && len(c.Spec.Nodes) > 0:
		l.fail(c, "spec.nodes", "is set, and an existing cluster has the nodes it has", "remove it")
	case !existing && len(c.Spec.Nodes) == 0:
		l.fail(c, "spec.nodes", "is missing", "declare at least one worker node")
	}
}

func (l *loader) nodes(c *Cluster) {
	owner := map[string]int{}
	for i, n := range c.Spec.Nodes {
		field := fmt.Sprintf("spec.nodes[%d]", i)
		l.labels(c, field+".labels", n.Labels)
		if errs := validation.IsValidLabelValue(n.Zone); errs != nil {
			l.fail(c, field+".zone", fmt.Sprintf("%q is no label value, and nodes carry it as one", n.Zone), labelMend)
		}
		for j, t := range n.Taints {
			if errs := validation.IsQualifiedName(t.Key); errs != nil {
				l.fail(c, fmt.Sprintf("%s.taints[%d].key", field, j), fmt.Sprintf("%q is no taint key", t.Key), keyMend)
			}
		}
		for _, name := range n.Names() {
			if errs := validation.IsDNS1123Label(name); errs != nil {
				l.fail(c, field+".name", "gives a node the name "+name, "shorten it: a node's name has up to 63 letters")
				break
			}
			if first, taken := owner[name]; taken {
				l.fail(c, field+".name", fmt.Sprintf("gives a second node the name %s, after spec.nodes[%d]", name, first), "rename it")
				break
			}
			owner[name] = i
		}
	}
}

// realNode holds nodes that are real against what one machine can give a cluster.
func (l *loader) realNode(c *Cluster) {
	first := -1
	for i, n := range c.Spec.Nodes {
		if !n.Real {
			continue
		}
		field := fmt.Sprintf("spec.nodes[%d]", i)
		switch {
		case c.Spec.Provider == ProviderKind:
			l.fail(c, field+".real", "is set, and every node of provider kind is real", "remove it")
		case c.Spec.Provider != ProviderEmbedded:
			l.fail(c, field+".real", "is set, and only provider embedded makes such a node", "remove it")
		case first >= 0:
			l.fail(c, field+".real", fmt.Sprintf("gives the cluster a second real node, after spec.nodes[%d]", first), "leave one: this machine is one node")
		}
		if n.Count > 1 {
			l.fail(c, field+".count", "is over 1, and the node is real", "leave it out: this machine is one node")
		}
		if len(n.Volumes) > 0 {
			l.fail(c, field+".volumes", "is set, and volumes are simulated, which a real node is not", "move them to a simulated node")
		}
		if first < 0 {
			first = i
		}
	}
}

// leastGoMemLimit, in bytes, is below what etcd needs to serve an empty cluster; a limit
// under it would keep the collector running without end.
const leastGoMemLimit = 32 << 20

func (l *loader) memory(c *Cluster) {
	limit, err := resource.ParseQuantity(string(c.Spec.Etcd.GOMemLimit))
	if err == nil && limit.Value() < leastGoMemLimit {
		l.fail(c, "spec.etcd.goMemLimit", string(c.Spec.Etcd.GOMemLimit)+" is too little for etcd", "write at least 32Mi")
	}
	l.once(c, "spec.kubernetes.admissionPlugins", c.Spec.Kubernetes.AdmissionPlugins)
}

func (l *loader) clusterComponents(c *Cluster) {
	var listed []string
	for _, cc := range c.Spec.Components {
		listed = append(listed, cc.Name)
	}
	for i, cc := range c.Spec.Components {
		field := fmt.Sprintf("spec.components[%d]", i)
		if !slices.Contains(l.namedComponents, cc.Name) {
			l.fail(c, field+".name", "there is no component "+cc.Name, suggest("component", cc.Name, l.namedComponents))
			continue
		}
		if slices.Index(listed, cc.Name) < i {
			l.fail(c, field+".name", "component "+cc.Name+" stands twice", "remove one")
		}
		l.patches(c, field+".patches", cc.Patches)
		if component := l.catalog.Components[cc.Name]; component != nil && !l.broken(component.File, "") {
			l.fits(c, field, cc, component, listed)
		}
	}
}

// fits checks a cluster's entry against the component it names.
func (l *loader) fits(c *Cluster, field string, cc ClusterComponent, component *Component, listed []string) {
	s := &component.Spec
	if len(s.Roles) > 0 && !l.broken(c.File, "spec.role") && !slices.Contains(s.Roles, c.Spec.Role) {
		l.fail(c, field+".name", fmt.Sprintf("component %s is not for the role %s", cc.Name, c.Spec.Role), "remove it")
	}
	for i, needed := range s.DependsOn {
		if l.broken(c.File, "spec.components") || slices.Contains(s.DependsOn[:i], needed) {
			continue
		}
		if !slices.Contains(listed, needed) && slices.Contains(l.namedComponents, needed) {
			l.fail(c, field+".name", fmt.Sprintf("component %s depends on %s, which the cluster does not run", cc.Name, needed), "add "+needed)
		}
	}
	switch {
	case cc.Path == "":
	case s.Source.Kustomization() == nil:
		l.fail(c, field+".path", "component "+cc.Name+" is no kustomization", "remove it")
	default:
		l.pathOf(c, field+".path", cc.Path, component)
	}
	if s.Source.Chart() == nil {
		if cc.Values.Map != nil {
			l.fail(c, field+".values", "component "+cc.Name+" is no Helm chart", "write patches")
		}
		return
	}
	for _, value := range cc.Values.leaves() {
		if s.settable(value) {
			continue
		}
		l.fail(valueOwner{c, cc.Values, field + ".values."}, field+".values."+value,
			"component "+cc.Name+" does not let clusters set it", suggest("path", value, s.Settable))
	}
}

// pathOf checks that a cluster's own folder of a component is a kustomization in it.
func (l *loader) pathOf(c *Cluster, field, rel string, component *Component) {
	full := path.Join(component.Dir, rel)
	switch {
	case path.IsAbs(rel) || strings.ContainsAny(rel, `\:`) || (full != component.Dir && !strings.HasPrefix(full, component.Dir+"/")):
		l.fail(c, field, rel+" leaves the component", "write a path below "+component.Dir)
	case !slices.ContainsFunc([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, func(name string) bool { return l.tree.IsFile(path.Join(full, name)) }):
		l.fail(c, field, "there is no kustomization in "+full, l.folderMend(component, full))
	}
}

// valueOwner is a cluster that also knows where its free-form values stand.
type valueOwner struct {
	*Cluster
	values Values
	prefix string
}

// At is where a value stands, or what Cluster.At says.
func (o valueOwner) At(field string) finding.Position {
	if at, ok := o.values.Lines[strings.TrimPrefix(field, o.prefix)]; ok {
		return at
	}
	return o.Cluster.At(field)
}
