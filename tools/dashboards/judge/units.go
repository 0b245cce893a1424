package judge

import "github.com/grafana/grafana-foundation-sdk/go/units"

// knownUnits are the units of Grafana that the stack's dashboards may use. One
// that Grafana does not know would be shown as a word behind the number.
func knownUnits() []string {
	return []string{
		units.Short, units.Percent, units.PercentUnit, units.Seconds, units.Milliseconds, units.Days,
		units.BytesIEC, units.BytesPerSecondIEC, units.RequestsPerSecond, units.OpsPerSecond, units.PacketsPerSecond, units.BoolYesNo,
	}
}
