package schema

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/kube-openapi/pkg/validation/strfmt"

	"dualtrack.internal/platform/finding"
)

// article says what a schema wants, "an integer".
func article(n *node) (string, bool) {
	switch {
	case n.IntOrString:
		return "an integer or a string", true
	case n.Format == "quantity":
		return "a quantity", true
	}
	switch n.Type {
	case "integer", "object":
		return "an " + n.Type, true
	case "array":
		return "a list", true
	case "boolean":
		return "true or false", true
	case "string", "number":
		return "a " + n.Type, true
	}
	return "", false
}

// kindOf says what a value is.
func kindOf(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "the string"
	case bool:
		return "the boolean"
	case int64, int, float64:
		return "the number"
	}
	return fmt.Sprintf("a %T", v)
}

// quote shows a scalar, cut short.
func quote(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(cut(v))
	case bool, int64, int, float64:
		return canonical(v)
	}
	return ""
}

// shown is a value in words; a Secret's values are never shown.
func (w *walk) shown(v any) string {
	what := kindOf(v)
	if q := quote(v); q != "" && !w.hides(v) {
		return what + " " + q
	}
	return strings.Replace(what, "the ", "a ", 1)
}

// hides says that a value at the current path is not to be shown.
func (w *walk) hides(v any) bool {
	return w.secret || !reflect.DeepEqual(finding.HideAt(w.o.Object, w.pointer(), v), v)
}

// fitsType judges a value's type and reports one that does not fit.
func (w *walk) fitsType(n *node, v any) bool {
	ok := true
	switch {
	case n.IntOrString:
		_, isString := v.(string)
		ok = isString || isInteger(v) && (!n.native || inRange(v, math.MinInt32, math.MaxInt32))
	case n.Format == "quantity":
		return w.quantity(v)
	case n.Type == "object":
		_, ok = v.(map[string]any)
	case n.Type == "array":
		_, ok = v.([]any)
	case n.Type == "string":
		_, ok = v.(string)
	case n.Type == "boolean":
		_, ok = v.(bool)
	case n.Type == "integer":
		ok = isInteger(v)
	case n.Type == "number":
		_, ok = float(v)
	}
	if ok {
		return true
	}
	want, _ := article(n)
	mend, fix := w.mendType(n, v)
	w.report(fmt.Sprintf("%s is %s, must be %s", w.here(), w.shown(v), want), mend, fix)
	return false
}

// mendType says how to write a value in the type that is wanted.
func (w *walk) mendType(n *node, v any) (string, json.RawMessage) {
	want, _ := article(n)
	switch v := v.(type) {
	case string:
		var as any
		if json.Unmarshal([]byte(v), &as) == nil && !w.hides(v) {
			_, isBool := as.(bool)
			if n.Type == "integer" && isInteger(as) || n.Type == "number" && as != nil && !isBool || n.Type == "boolean" && isBool {
				return fmt.Sprintf("write %s without quotes", v), patch("replace", w.pointer(), json.RawMessage(v))
			}
		}
	case bool, int64, int, float64:
		if n.Type == "string" {
			if w.hides(v) {
				return "put it in quotes", nil
			}
			s := canonical(v)
			return fmt.Sprintf("put it in quotes: %q", s), patch("replace", w.pointer(), s)
		}
	}
	return "write " + want, nil
}

func (w *walk) quantity(v any) bool {
	switch v := v.(type) {
	case int64, int, float64:
		return true
	case string:
		if _, err := resource.ParseQuantity(v); err == nil {
			return true
		}
	}
	w.report(fmt.Sprintf("%s is %s, must be a quantity", w.here(), w.shown(v)), "write a number with a unit such as 250m, 1, 64Mi or 2Gi", nil)
	return false
}

// isInteger takes a whole float too: JSON does not tell 1.0 from 1.
func isInteger(v any) bool {
	switch v := v.(type) {
	case int64, int:
		return true
	case float64:
		return v == math.Trunc(v) && math.Abs(v) < 1<<63
	}
	return false
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func inRange(v any, low, high float64) bool {
	f, ok := float(v)
	return ok && f >= low && f <= high
}

func (w *walk) number(n *node, v any) {
	f, _ := float(v)
	if n.native && n.Format == "int32" && !inRange(v, math.MinInt32, math.MaxInt32) {
		w.report(fmt.Sprintf("%s is %s, too large for its field", w.here(), w.shown(v)), "write a number of 32 bits", nil)
	}
	low := n.Minimum != nil && (f < *n.Minimum || n.ExclusiveMinimum && f == *n.Minimum)
	high := n.Maximum != nil && (f > *n.Maximum || n.ExclusiveMaximum && f == *n.Maximum)
	if low || high {
		limits := limits(n)
		w.report(fmt.Sprintf("%s is %s, must be %s", w.here(), w.shown(v), limits), "write a number "+limits, nil)
	}
	if n.MultipleOf != nil && *n.MultipleOf > 0 && math.Mod(f, *n.MultipleOf) != 0 {
		of := canonical(*n.MultipleOf)
		w.report(fmt.Sprintf("%s is %s, must be a multiple of %s", w.here(), w.shown(v), of), "write a multiple of "+of, nil)
	}
}

func limits(n *node) string {
	var parts []string
	if n.Minimum != nil {
		parts = append(parts, limit(*n.Minimum, n.ExclusiveMinimum, "at least ", "more than "))
	}
	if n.Maximum != nil {
		parts = append(parts, limit(*n.Maximum, n.ExclusiveMaximum, "at most ", "less than "))
	}
	return strings.Join(parts, " and ")
}

func limit(f float64, exclusive bool, word, exclusiveWord string) string {
	if exclusive {
		word = exclusiveWord
	}
	return word + canonical(f)
}

// bounds judges how many of something there are.
func (w *walk) bounds(count int64, low, high *int64, of string) {
	if low != nil && count < *low {
		w.report(fmt.Sprintf("%s has %d %s, needs at least %d", w.here(), count, of, *low), fmt.Sprintf("add %s", of), nil)
	}
	if high != nil && count > *high {
		w.report(fmt.Sprintf("%s has %d %s, may have at most %d", w.here(), count, of, *high), fmt.Sprintf("remove %s", of), nil)
	}
}

func (w *walk) str(n *node, s string) {
	if n.MinLength != nil || n.MaxLength != nil {
		w.bounds(int64(utf8.RuneCountInString(s)), n.MinLength, n.MaxLength, "characters")
	}
	if n.pattern != nil && !n.pattern.MatchString(s) {
		w.report(fmt.Sprintf("%s is %s, does not match its pattern", w.here(), w.shown(s)), "write it as the pattern "+n.Pattern+" asks", nil)
	}
	if n.Format == "" || n.IntOrString {
		return
	}
	if want := badFormat(n, s); want != "" {
		w.report(fmt.Sprintf("%s is %s, must be %s", w.here(), w.shown(s), want), "write "+want, nil)
	}
}

// badFormat says what a string should have been, "" when it is right.
func badFormat(n *node, s string) string {
	if !n.native {
		// Names of formats that later minors brought are left to their servers.
		if f := strings.ToLower(n.Format); !strings.HasPrefix(f, "k8s") && strfmt.Default.ContainsName(f) && !strfmt.Default.Validates(f, s) {
			return "of the format " + n.Format
		}
		return ""
	}
	switch n.Format {
	case "byte":
		if _, err := base64.StdEncoding.DecodeString(s); err != nil {
			return "base64"
		}
	case "date-time":
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			return "a time as in RFC 3339"
		}
	}
	return ""
}

func (w *walk) enum(n *node, v any) {
	if n.values == nil || n.values[canonical(v)] || n.native && v == "" {
		return
	}
	var words []string
	var names []string
	for _, e := range n.Enum {
		if s, ok := e.(string); ok && s != "" {
			names = append(names, s)
			words = append(words, s)
		} else {
			words = append(words, canonical(e))
		}
	}
	mend := "write one of " + strings.Join(words, ", ")
	var fix json.RawMessage
	s, _ := v.(string)
	if near := nearest(s, names); near != "" {
		mend = fmt.Sprintf("did you mean %s? %s", near, mend)
		fix = patch("replace", w.pointer(), near)
	}
	if i := slices.Index(words, `""`); i >= 0 {
		words = slices.Delete(words, i, i+1)
	}
	w.report(fmt.Sprintf("%s is %s, must be one of %s", w.here(), w.shown(v), strings.Join(words, ", ")), mend, fix)
}
