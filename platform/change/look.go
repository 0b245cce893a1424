package change

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/render"
)

// Objects come from people's files: any place may hold any type. These look
// without believing.

// stringsOf are the strings of a mapping.
func stringsOf(m map[string]any) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// numberOr is a number, or another where none is said; false for what is none.
func numberOr(v any, other int) (int, bool) {
	if v == nil {
		return other, true
	}
	return inside.Number(v)
}

func quantity(v any) (resource.Quantity, bool) {
	if v == nil {
		return resource.Quantity{}, false
	}
	text := fmt.Sprint(v)
	if len(text) > 40 { // an exponent of a thousand digits is no amount
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(text)
	return q, err == nil
}

// groupKind is "apps/Deployment", "/Pod" in the core group.
func groupKind(o *render.Object) string { return o.Ref().Group() + "/" + o.GetKind() }

func called(kind, name string) string { return kind + " " + name }

// mostListed bounds what one sentence lists.
const mostListed = 12

// list puts names in a row, the first of many.
func list(names []string) string {
	if len(names) > mostListed {
		return strings.Join(names[:mostListed], ", ") + fmt.Sprintf(" and %d more", len(names)-mostListed)
	}
	return strings.Join(names, ", ")
}

func pointer(tokens ...any) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		switch t := t.(type) {
		case int:
			b.WriteString(strconv.Itoa(t))
		default:
			b.WriteString(escape(fmt.Sprint(t)))
		}
	}
	return b.String()
}
