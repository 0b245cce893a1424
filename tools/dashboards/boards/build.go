package boards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

const (
	columns      = 24
	seriesHeight = 8
	statHeight   = 4
	// tag joins the dashboards in one menu.
	tag      = "dualtrack"
	runbooks = "https://runbooks.dualtrack.internal/"
)

// Files are the dashboards as files: name → JSON.
func Files() (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, b := range All() {
		d, err := Build(b)
		if err != nil {
			return nil, err
		}
		data, err := encode(d)
		if err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", b.UID, err)
		}
		out[strings.TrimPrefix(b.UID, tag+"-")+".json"] = data
	}
	return out, nil
}

// encode writes what Grafana's own export looks like: null for the id that a
// server gives.
func encode(d dashboard.Dashboard) ([]byte, error) {
	var fields map[string]any
	data, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("writing it: %w", err)
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("writing it: %w", err)
	}
	fields["id"] = nil
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(fields); err != nil {
		return nil, fmt.Errorf("writing it: %w", err)
	}
	return out.Bytes(), nil
}

// source is the Prometheus that the user chose.
func source() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

// Build makes a dashboard of a board.
func Build(b Board) (dashboard.Dashboard, error) {
	d := dashboard.NewDashboardBuilder(b.Title).Uid(b.UID).Description(b.Description).
		Tags([]string{tag}).Timezone("browser").Readonly().Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Time("now-1h", "now").Refresh("30s").Version(1).
		Link(dashboard.NewDashboardLinkBuilder("Dashboards").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{tag}).AsDropdown(true).KeepTime(true).IncludeVars(true)).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus"))
	for _, v := range b.Variables {
		d = d.WithVariable(dashboard.NewQueryVariableBuilder(v.Name).Label(v.Label).Datasource(source()).
			Query(dashboard.StringOrMap{String: cog.ToPtr(fmt.Sprintf("label_values(%s, %s)", v.Metric, v.Of))}).
			Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc).
			Multi(true).IncludeAll(true).AllValue(".*").
			Current(dashboard.VariableOption{Selected: cog.ToPtr(true),
				Text:  dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
				Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}}}))
	}
	if b.Alerts != "" {
		d = d.Annotation(dashboard.NewAnnotationQueryBuilder().Name("Alerts that fire").Datasource(source()).
			Enable(true).IconColor("red").Expr(b.Alerts).TitleFormat("{{alertname}}").TextFormat("{{severity}}, for {{team}}"))
	}
	var id, y uint32
	for _, row := range b.Rows {
		id++
		d = d.WithRow(dashboard.NewRowBuilder(row.Title).Id(id).GridPos(dashboard.GridPos{X: 0, Y: y, W: columns, H: 1}))
		y++
		var x, height uint32
		for _, p := range row.Panels {
			if x+p.Width > columns {
				x, y, height = 0, y+height, 0
			}
			id++
			at := dashboard.GridPos{X: x, Y: y, W: p.Width, H: p.height()}
			x, height = x+at.W, max(height, at.H)
			d = d.WithPanel(p.builder(id, at))
		}
		y += height
	}
	out, err := d.Build()
	if err != nil {
		return out, fmt.Errorf("dashboard %s: %w", b.UID, err)
	}
	return out, nil
}

func (p Panel) height() uint32 {
	if p.Kind == Stat {
		return statHeight
	}
	return seriesHeight
}

// placed keeps a panel where it was put: the SDK moves the one at 0, 0.
type placed struct {
	cog.Builder[dashboard.Panel]
	at dashboard.GridPos
}

// Build implements cog.Builder.
func (p placed) Build() (dashboard.Panel, error) {
	panel, err := p.Builder.Build()
	panel.GridPos = &p.at
	return panel, err
}

func (p Panel) builder(id uint32, at dashboard.GridPos) cog.Builder[dashboard.Panel] {
	switch p.Kind {
	case Stat:
		b := stat.NewPanelBuilder().Id(id).Title(p.Title).Description(p.Description).Datasource(source()).
			Unit(p.Unit).Thresholds(p.thresholds()).Links(p.links()).Targets(p.targets(false)).
			GraphMode(common.BigValueGraphModeArea).ColorMode(common.BigValueColorModeValue).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
		if p.Zero != "" {
			b = b.NoValue(p.Zero)
		}
		return placed{b, at}
	case Table:
		b := table.NewPanelBuilder().Id(id).Title(p.Title).Description(p.Description).Datasource(source()).
			Unit(p.Unit).Links(p.links()).Targets(p.targets(true)).
			// The SDK's own footer has no list of reducers, which its types then refuse.
			Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{})).
			OverrideByName("Time", []dashboard.DynamicConfigValue{{Id: "custom.hidden", Value: true}}).
			OverrideByName("Value", []dashboard.DynamicConfigValue{{Id: "displayName", Value: "Count"}})
		if p.Zero != "" {
			b = b.NoValue(p.Zero)
		}
		return placed{b, at}
	default:
		b := timeseries.NewPanelBuilder().Id(id).Title(p.Title).Description(p.Description).Datasource(source()).
			Unit(p.Unit).Min(0).Links(p.links()).Targets(p.targets(false)).
			LineWidth(1).FillOpacity(10).ShowPoints(common.VisibilityModeNever).
			Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
			Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
		if p.Bad != 0 {
			b = b.Thresholds(p.thresholds()).ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
		}
		if p.Max != 0 {
			b = b.Max(p.Max)
		}
		return placed{b, at}
	}
}

// thresholds colour values that worry.
func (p Panel) thresholds() cog.Builder[dashboard.ThresholdsConfig] {
	step := func(value *float64, color string) dashboard.Threshold {
		return dashboard.Threshold{Value: value, Color: color}
	}
	steps := []dashboard.Threshold{step(nil, "green")}
	switch {
	case p.Falling:
		steps = []dashboard.Threshold{step(nil, "red"), step(&p.Bad, "orange"), step(&p.Warn, "green")}
	case p.Bad != 0 && p.Warn != 0:
		steps = append(steps, step(&p.Warn, "orange"), step(&p.Bad, "red"))
	case p.Bad != 0:
		steps = append(steps, step(&p.Bad, "red"))
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}

func (p Panel) links() []cog.Builder[dashboard.DashboardLink] {
	if p.Runbook == "" {
		return nil
	}
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder("Runbook").Type(dashboard.DashboardLinkTypeLink).Url(runbooks + p.Runbook).TargetBlank(true),
	}
}

// targets are the panel's queries; those of a table ask for one moment.
func (p Panel) targets(now bool) []cog.Builder[variants.Dataquery] {
	var out []cog.Builder[variants.Dataquery]
	for i, q := range p.Queries {
		t := prometheus.NewDataqueryBuilder().RefId(string(rune('A' + i))).Datasource(source()).Expr(q.Expr).LegendFormat(q.Legend)
		switch {
		case now:
			t = t.Instant().Format(prometheus.PromQueryFormatTable)
		default:
			t = t.Range()
		}
		if q.Exemplar {
			t = t.Exemplar(true)
		}
		out = append(out, t)
	}
	return out
}
