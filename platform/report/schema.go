package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/track"
)

// Schema is the JSON Schema (draft 2020-12) of the JSON form, made from the
// types that are written: the same bytes on every run. It allows fields it does
// not know, because a later program may write more under the same Version.
func Schema() ([]byte, error) {
	d := definitions{}
	document := d.object(reflect.TypeFor[Result]())
	document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	document["$id"] = "https://" + Version + "/report.json"
	document["title"] = "Report"
	document["description"] = "what one command found, as -o json and -o yaml write it"
	document["properties"].(map[string]any)["apiVersion"] = map[string]any{"const": Version}
	document["$defs"] = d
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(document); err != nil {
		return nil, fmt.Errorf("schema of the report: %w", err)
	}
	return b.Bytes(), nil
}

// definitions are the schemas of the struct types met on the way, by name.
type definitions map[string]any

func (d definitions) schema(t reflect.Type) any {
	if words := enum(t); words != nil {
		return map[string]any{"enum": words}
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[json.RawMessage](), t.Kind() == reflect.Interface:
		return true // any value
	case t.Kind() == reflect.Pointer:
		return d.schema(t.Elem())
	case t.Kind() == reflect.Struct:
		if _, seen := d[t.Name()]; !seen {
			d[t.Name()] = nil // a type may hold itself
			d[t.Name()] = d.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": d.schema(t.Elem())}
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.String:
		return map[string]any{"type": "string"}
	}
	return map[string]any{"type": "integer"}
}

func (d definitions) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		properties[name] = d.schema(f.Type)
		if options == "" {
			required = append(required, name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// enum lists the words of a type that has no others; nil for every other type.
func enum(t reflect.Type) []any {
	switch t {
	case reflect.TypeFor[State]():
		return []any{Converged, NotConverged, Unreachable, NotRunning, Stopped, Running, NotChanged, Failed, Planned, Refused}
	case reflect.TypeFor[cluster.Ability]():
		return []any{cluster.RunsPods, cluster.MetricsAPI, cluster.Volumes}
	case reflect.TypeFor[Evidence]():
		return []any{Observed, Simulated}
	case reflect.TypeFor[track.Name]():
		return []any{track.Flux, track.Argo}
	case reflect.TypeFor[track.Sync]():
		return []any{track.InSync, track.Differs, track.Missing, track.Extra, track.SyncUnknown}
	case reflect.TypeFor[track.Health]():
		return []any{track.Healthy, track.Progressing, track.Degraded, track.Suspended, track.HealthMissing, track.NotJudgeable, track.HealthUnknown}
	case reflect.TypeFor[track.Class]():
		return []any{track.DriftDiffers, track.DriftMissing, track.DriftExtra, track.DriftUnmanaged}
	case reflect.TypeFor[finding.Severity]():
		return []any{finding.Error, finding.Warning, finding.Info}
	case reflect.TypeFor[finding.Class]():
		return []any{finding.New, finding.Fixed, finding.PreExisting, finding.Waived, finding.Unknown}
	}
	return nil
}
