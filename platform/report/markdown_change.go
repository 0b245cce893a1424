package report

import (
	"fmt"
	"strings"

	"dualtrack.internal/platform/change"
)

// change shows what changes: equal changes of a set of clusters folded together,
// and in them each object.
func (m *markdown) change(s *ChangeSet) {
	m.f("**%s**\n\n", markdownText(s.headline()))
	m.fleet(s)
	if len(s.Objects) == 0 {
		return
	}
	if counts := effects(s.Objects); counts != "" {
		m.f("What follows: %s\n\n", counts)
	}
	if !m.detail.clusters {
		m.f("%s, not listed here.\n\n", plural(len(s.Objects), "change"))
		return
	}
	for _, set := range bySets(s.Objects) {
		m.f("<details><summary>%s: %s</summary>\n\n", markdownText(onClusters(set.clusters, m.r.Counts.Clusters)), actions(set.objects))
		if len(set.clusters) > 3 && m.detail.objects {
			m.f("%s\n\n", markdownText(strings.Join(set.clusters, ", ")))
		}
		if !m.detail.objects {
			m.byComponent(set.objects)
		} else {
			for _, g := range set.objects {
				m.object(g)
			}
			m.f("\n")
		}
		m.f("</details>\n\n")
	}
}

// fleet tells of whole clusters and components.
func (m *markdown) fleet(s *ChangeSet) {
	tell := func(names []string, what string) {
		for i, name := range names {
			if i == m.detail.lines {
				m.f("- … and %d more\n", len(names)-i)
				break
			}
			m.f("- %s %s\n", markdownCode(name), what)
		}
		if len(names) > 0 {
			m.f("\n")
		}
	}
	tell(s.Joins, "joins the fleet")
	tell(s.Leaves, "leaves the fleet; nobody removes what it holds")
	tell(s.NotKnown, "did not render on one side: its objects are not compared")
}

// clusterSet are the changes that exactly these clusters share.
type clusterSet struct {
	clusters []string
	objects  []change.Group
}

func bySets(all []change.Group) []*clusterSet {
	at := map[string]*clusterSet{}
	var out []*clusterSet
	for _, g := range all {
		key := strings.Join(g.Clusters, ",")
		set := at[key]
		if set == nil {
			set = &clusterSet{clusters: g.Clusters}
			at[key] = set
			out = append(out, set)
		}
		set.objects = append(set.objects, g)
	}
	return out
}

// actions counts the objects of each action: "2 added, 1 changed".
func actions(objects []change.Group) string {
	count := map[change.Action]int{}
	var order []change.Action
	for _, g := range objects {
		if count[g.Action]++; count[g.Action] == 1 {
			order = append(order, g.Action)
		}
	}
	var parts []string
	for _, a := range order {
		parts = append(parts, fmt.Sprintf("%d %s", count[a], markdownText(string(a))))
	}
	return strings.Join(parts, ", ")
}

// effects counts the consequences of each effect, each once for all the clusters
// that share it.
func effects(objects []change.Group) string {
	count := map[change.Effect]int{}
	var order []change.Effect
	for _, g := range objects {
		for _, c := range g.Consequences {
			if count[c.Effect]++; count[c.Effect] == 1 {
				order = append(order, c.Effect)
			}
		}
	}
	var parts []string
	for _, e := range order {
		parts = append(parts, fmt.Sprintf("%s %d", markdownText(string(e)), count[e]))
	}
	return strings.Join(parts, " · ")
}

func (m *markdown) byComponent(objects []change.Group) {
	type kind struct {
		component string
		action    change.Action
	}
	count := map[kind]int{}
	var order []kind
	for _, g := range objects {
		k := kind{g.Component, g.Action}
		if count[k]++; count[k] == 1 {
			order = append(order, k)
		}
	}
	m.f("| component | | objects |\n|---|---|---:|\n")
	for _, k := range order {
		m.f("| %s | %s | %d |\n", markdownText(k.component), markdownText(string(k.action)), count[k])
	}
	m.f("\n")
}

// object shows one change with what follows of it; its fields are folded away.
func (m *markdown) object(g change.Group) {
	if m.full() {
		return
	}
	line := fmt.Sprintf("%s %s · %s", markdownText(string(g.Action)), markdownCode(g.Object.String()), markdownText(g.Component))
	if at := m.r.place(g.Position); at.File != "" {
		line += " · " + markdownCode(at.String())
	}
	follows := ""
	for _, c := range g.Consequences {
		follows += fmt.Sprintf("- **%s** %s\n", markdownText(string(c.Effect)), markdownText(c.Why))
	}
	if follows != "" {
		follows += "\n"
	}
	if len(g.Fields) == 0 || m.detail.fields == 0 {
		if len(g.Fields) > 0 {
			line += " · " + plural(len(g.Fields), "field")
		}
		m.f("%s\n\n%s", line, follows)
		return
	}
	m.f("<details><summary>%s · %s</summary>\n\n%s| field | before | after |\n|---|---|---|\n", line, plural(len(g.Fields), "field"), follows)
	for i, f := range g.Fields {
		if i == m.detail.fields {
			m.f("| … and %d more | | |\n", len(g.Fields)-i)
			break
		}
		m.f("| %s | %s | %s |\n", markdownCode(f.Path), markdownCode(value(f.Before)), markdownCode(value(f.After)))
	}
	m.f("\n</details>\n\n")
}
