// Package boards says what Grafana's dashboards show and writes them as Grafana
// reads them, through its SDK. It never asks a Grafana or a Prometheus.
package boards

// Board is one dashboard.
type Board struct {
	UID         string // for good: links and bookmarks name it
	Title       string
	Description string
	Alerts      string // PromQL of the alerts that concern it, drawn over its graphs
	Variables   []Variable
	Rows        []Row
}

// Variable is a choice at the top of a dashboard, by the values of a label.
type Variable struct {
	Name, Label string
	Metric      string // whose label it is: a selector
	Of          string // the label
}

// Row is a heading and the panels below it.
type Row struct {
	Title  string
	Panels []Panel
}

// Kind is how a panel shows its data.
type Kind string

// The kinds of panels.
const (
	Series Kind = "timeseries"
	Stat   Kind = "stat"
	Table  Kind = "table"
)

// Panel is one picture.
type Panel struct {
	Kind        Kind
	Title       string
	Description string // what it means, and when to worry
	Unit        string
	Width       uint32 // of 24
	Warn, Bad   float64
	Falling     bool    // bad is below Bad, not above
	Max         float64 // of the axis; 0: as the data is
	Zero        string  // what stands where there is nothing
	Queries     []Query
	Runbook     string // the last part of its address
}

// Query is one query of a panel.
type Query struct {
	Expr     string
	Legend   string
	Exemplar bool // points of the series lead to traces
}

// All are the dashboards, in the order of their menu.
func All() []Board {
	return []Board{fleet(), rollout(), mesh(), collector(), alerting(), controlPlane(), etcd(), network()}
}

// site is the choice of sites. The hub's own series carry no such label.
func site() Variable {
	return Variable{Name: "site", Label: "Site", Metric: "site:targets:count", Of: "site"}
}

// bySite names the site of a query's series; those without one are the hub's.
func bySite(expr string) Query {
	return Query{Expr: `label_replace(` + expr + `, "site", "hub", "site", "")`, Legend: "{{site}}"}
}
