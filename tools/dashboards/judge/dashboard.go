package judge

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"go.yaml.in/yaml/v3"
)

// board is what is judged of a dashboard beyond its types.
type board struct {
	ID            *int64         `json:"id"`
	UID           string         `json:"uid"`
	Title         string         `json:"title"`
	SchemaVersion int            `json:"schemaVersion"`
	Panels        []panel        `json:"panels"`
	Links         []link         `json:"links"`
	Templating    listOf[choice] `json:"templating"`
	Annotations   listOf[mark]   `json:"annotations"`
}

type listOf[T any] struct {
	List []T `json:"list"`
}

// choice is a variable.
type choice struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Query      json.RawMessage `json:"query"`
	Datasource *source         `json:"datasource"`
}

// mark is an annotation's query.
type mark struct {
	Name       string  `json:"name"`
	Expr       string  `json:"expr"`
	Datasource *source `json:"datasource"`
	BuiltIn    float64 `json:"builtIn"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type link struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

type panel struct {
	ID          uint32   `json:"id"`
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	GridPos     *grid    `json:"gridPos"`
	Datasource  *source  `json:"datasource"`
	Targets     []target `json:"targets"`
	Links       []link   `json:"links"`
	Panels      []panel  `json:"panels"` // of a row that is folded
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

type grid struct{ X, Y, W, H int }

type target struct {
	RefID        string  `json:"refId"`
	Expr         string  `json:"expr"`
	LegendFormat string  `json:"legendFormat"`
	Datasource   *source `json:"datasource"`
}

const (
	columns = 24
	rowType = "row"
)

var (
	uidPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{8,40}$`)
	exported   = regexp.MustCompile(`"__(?:inputs|requires)"|\$\{DS_`)
)

// dashboard judges one file. It gives the dashboard, nil where it cannot be read.
func (c *checker) dashboard(file string) *board {
	text := c.subject.Files[file]
	at := place{file: file}
	var strict dashboard.Dashboard
	// The SDK's error may be one without words where nothing is wrong.
	if err := strict.UnmarshalJSONStrict([]byte(text)); err != nil && err.Error() != "" {
		c.refuse(at, "Grafana's types do not take it: %s", oneLine(err.Error()))
		return nil
	}
	if err := strict.Validate(); err != nil && err.Error() != "" {
		c.refuse(at, "Grafana's types refuse it: %s", oneLine(err.Error()))
	}
	var b board
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		c.refuse(at, "is no dashboard: %v", err)
		return nil
	}
	at.path = fmt.Sprintf("dashboard %q", b.Title)
	if found := exported.FindString(text); found != "" {
		c.refuse(at, "%s stands in it: a dashboard that was exported for sharing cannot be provisioned", found)
	}
	if b.ID != nil {
		c.refuse(at, "its id must be null: a server gives it")
	}
	if !uidPattern.MatchString(b.UID) {
		c.refuse(at, "its uid %q must have 8 to 40 letters, digits, - and _", b.UID)
	}
	if b.Title == "" || b.SchemaVersion == 0 {
		c.refuse(at, "needs a title and a schemaVersion")
	}
	v := c.variables(at, b)
	c.layout(at, lines(text), b)
	for i, p := range flat(b.Panels) {
		here := at
		here.line = lineOf(lines(text), i)
		here.path = fmt.Sprintf("%s, panel %q", at.path, cmp.Or(p.Title, fmt.Sprint("number ", p.ID)))
		c.panel(here, p, v)
	}
	for _, m := range b.Annotations.List {
		if m.BuiltIn == 1 {
			continue
		}
		here := at
		here.path = fmt.Sprintf("%s, annotation %q", at.path, m.Name)
		c.source(here, m.Datasource, v)
		c.expression(here, v.replace(c, here, m.Expr))
	}
	v.unused(c, at)
	return &b
}

// flat are all panels, those of folded rows too, in their order.
func flat(panels []panel) []panel {
	var out []panel
	for _, p := range panels {
		out = append(append(out, p), p.Panels...)
	}
	return out
}

// lines are the lines on which panels begin, in the order of flat.
func lines(text string) []int {
	var document yaml.Node // JSON is YAML
	if yaml.Unmarshal([]byte(text), &document) != nil || len(document.Content) == 0 {
		return nil
	}
	var out []int
	var walk func(node *yaml.Node)
	walk = func(node *yaml.Node) {
		for _, p := range value(node, "panels") {
			out = append(out, p.Line)
			walk(p)
		}
	}
	walk(document.Content[0])
	return out
}

// value are the items below a key of a map.
func value(node *yaml.Node, key string) []*yaml.Node {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key && node.Content[i+1].Kind == yaml.SequenceNode {
			return node.Content[i+1].Content
		}
	}
	return nil
}

func lineOf(lines []int, i int) int {
	if i < len(lines) {
		return lines[i]
	}
	return 0
}

// layout holds that no two panels lie over each other, and that no row is empty.
func (c *checker) layout(at place, lines []int, b board) {
	panels := flat(b.Panels)
	ids := map[uint32]string{}
	for i, p := range panels {
		here := at
		here.line = lineOf(lines, i)
		here.path = fmt.Sprintf("%s, panel %q", at.path, p.Title)
		if other, twice := ids[p.ID]; p.ID == 0 || twice {
			c.refuse(here, "its id %d is 0, or that of %q too", p.ID, other)
		}
		ids[p.ID] = p.Title
		g := p.GridPos
		if g == nil || g.W < 1 || g.H < 1 || g.X < 0 || g.Y < 0 || g.X+g.W > columns {
			c.refuse(here, "its gridPos must have a width and a height and end at column %d", columns)
			continue
		}
		for _, other := range panels[:i] {
			if o := other.GridPos; o != nil && g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H {
				c.refuse(here, "lies over %q", other.Title)
			}
		}
		last := i == len(panels)-1
		if p.Type == rowType && len(p.Panels) == 0 && (last || panels[i+1].Type == rowType) {
			c.refuse(here, "the row has no panel")
		}
	}
	if len(panels) == 0 {
		c.refuse(at, "has no panel")
	}
}

// panel judges what one panel shows.
func (c *checker) panel(at place, p panel, v *variables) {
	if p.Title == "" {
		c.refuse(at, "has no title")
	}
	c.links(at, p.Links)
	if p.Type == rowType || p.Type == "text" {
		return
	}
	if p.Description == "" {
		c.refuse(at, "has no description: say what it means and when to worry")
	}
	if unit := p.FieldConfig.Defaults.Unit; !slices.Contains(knownUnits(), unit) {
		c.refuse(at, "its unit is %q; give one of %s", unit, strings.Join(knownUnits(), ", "))
	}
	c.source(at, p.Datasource, v)
	if len(p.Targets) == 0 {
		c.refuse(at, "is empty: it has no query")
	}
	refs := map[string]bool{}
	for _, t := range p.Targets {
		here := at
		here.path = fmt.Sprintf("%s, query %s", at.path, t.RefID)
		if t.RefID == "" || refs[t.RefID] {
			c.refuse(here, "its refId is empty or another's too")
		}
		refs[t.RefID] = true
		if t.Datasource != nil {
			c.source(here, t.Datasource, v)
		}
		has := c.expression(here, v.replace(c, here, t.Expr))
		c.legend(here, v.replace(c, here, t.LegendFormat), has)
	}
}

var legendLabel = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// legend holds that a legend names labels that the result has.
func (c *checker) legend(at place, legend string, has map[string]bool) {
	for _, found := range legendLabel.FindAllStringSubmatch(legend, -1) {
		if has != nil && !has[found[1]] {
			c.refuse(at, "its legend names the label %s, which the query has summed away", found[1])
		}
	}
}

// source holds that the user's choice of a data source is used.
func (c *checker) source(at place, s *source, v *variables) {
	switch {
	case s == nil || s.UID == "":
		c.refuse(at, "names no data source; give the variable's")
	case v.sources[variableName(s.UID)] == "":
		c.refuse(at, "its data source is %q, no variable of the dashboard", s.UID)
	case v.sources[variableName(s.UID)] != s.Type:
		c.refuse(at, "its data source is a %s, the variable's a %s", s.Type, v.sources[variableName(s.UID)])
	}
}

// links holds that links lead somewhere.
func (c *checker) links(at place, all []link) {
	for _, l := range all {
		if l.Type == "link" && !strings.HasPrefix(l.URL, "https://") && !strings.HasPrefix(l.URL, "/d/") {
			c.refuse(at, "its link %q is neither https:// nor /d/ and a uid", l.URL)
		}
	}
}
