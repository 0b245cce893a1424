package catalog

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones are the same on a machine that has none

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	nullTag = "!!null"
	strTag  = "!!str"
	intTag  = "!!int"
	fltTag  = "!!float"
	boolTag = "!!bool"
	timeTag = "!!timestamp"
)

// describe says what a node is, with its value.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	value := n.Value
	if len(value) > 60 {
		value = strings.ToValidUTF8(value[:60], "") + "…"
	}
	switch n.ShortTag() {
	case nullTag:
		return "null"
	case intTag:
		return "integer " + value
	case fltTag:
		return "number " + value
	case boolTag:
		return "boolean " + value
	case strTag, timeTag:
		return fmt.Sprintf("string %q", value)
	}
	return fmt.Sprintf("%s %q", n.ShortTag(), value)
}

// typeName is what a person calls a type.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return "duration"
	case reflect.TypeFor[Quantity]():
		return "quantity"
	case reflect.TypeFor[Values]():
		return "mapping"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Struct, reflect.Map:
		return "mapping"
	case reflect.Slice:
		return "list"
	case reflect.Int:
		return "integer"
	case reflect.Bool:
		return "boolean"
	}
	return "string"
}

// scalarTags are the YAML types that a type takes.
func scalarTags(t reflect.Type) []string {
	switch {
	case t == reflect.TypeFor[Quantity]():
		return []string{strTag, intTag, fltTag}
	case t == reflect.TypeFor[Duration]():
		return []string{strTag}
	case t.Kind() == reflect.Int:
		return []string{intTag}
	case t.Kind() == reflect.Bool:
		return []string{boolTag}
	}
	return []string{strTag, timeTag} // an unquoted date is a text here
}

func (d *decoder) scalar(s spot, v reflect.Value, f field) {
	if s.node.Kind != yaml.ScalarNode || !slices.Contains(scalarTags(v.Type()), s.node.ShortTag()) {
		d.wrong(s, typeName(v.Type()))
		return
	}
	if err := setText(v, s.node.Value); err != nil {
		d.fail(d.where(s), s.path, fmt.Sprintf("%q is no %s", s.node.Value, typeName(v.Type())), mendType(typeName(v.Type()), s.node))
		return
	}
	if what, mend := check(v, s.node.Value, f); what != "" {
		d.fail(d.where(s), s.path, what, mend)
	}
}

// setText sets a scalar from its text.
func setText(v reflect.Value, text string) error {
	switch {
	case v.Type() == reflect.TypeFor[Duration]():
		dur, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(dur))
	case v.Type() == reflect.TypeFor[Quantity]():
		if _, err := resource.ParseQuantity(text); err != nil {
			return err
		}
		v.SetString(text)
	case v.Kind() == reflect.Int:
		n, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			return err
		}
		v.SetInt(n)
	case v.Kind() == reflect.Bool:
		v.SetBool(strings.EqualFold(text, "true"))
	default:
		v.SetString(text)
	}
	return nil
}

// check holds a scalar against its field's rules; what is "" when all are kept.
func check(v reflect.Value, text string, f field) (what, mend string) {
	switch {
	case f.required && v.Kind() == reflect.String && text == "":
		return "is empty", "write a value"
	case f.enum != nil && !slices.Contains(f.enum, text):
		return fmt.Sprintf("%q is not allowed", text), suggest("value", text, f.enum)
	case v.Type() == reflect.TypeFor[Quantity]():
		if q, err := resource.ParseQuantity(text); err == nil && q.Sign() <= 0 {
			return fmt.Sprintf("%s is not positive", text), "write a quantity over 0"
		}
	case v.Kind() == reflect.Int || v.Kind() == reflect.Int64:
		return checkRange(v, text, f)
	case f.pattern != nil && !f.pattern.MatchString(text):
		return fmt.Sprintf("%q does not match %s", withoutLogin(text), f.pattern), "write it like " + f.example
	case f.format != "" && text != "":
		return checkFormat(f.format, text)
	}
	return "", ""
}

func checkRange(v reflect.Value, text string, f field) (what, mend string) {
	for _, limit := range []struct {
		text, word string
		sign       int
	}{{f.min, "least", -1}, {f.max, "most", 1}} {
		bound := reflect.New(v.Type()).Elem()
		if limit.text == "" || setText(bound, limit.text) != nil {
			continue
		}
		if cmp.Compare(v.Int(), bound.Int()) == limit.sign {
			return fmt.Sprintf("%s is out of range", text), fmt.Sprintf("write at %s %s", limit.word, limit.text)
		}
	}
	if v.Int() < 0 {
		return text + " is negative", "write 0 or more"
	}
	return "", ""
}

// checkFormat checks texts whose rules no pattern can hold.
func checkFormat(format, text string) (what, mend string) {
	switch format {
	case "name":
		if errs := validation.IsDNS1123Label(text); errs != nil {
			return fmt.Sprintf("%q is no name", text), "use up to 63 of a-z, 0-9 and -, with a letter or digit at both ends"
		}
	case "timezone":
		if _, err := time.LoadLocation(text); err != nil || text == "Local" {
			return fmt.Sprintf("%q is no time zone", text), "write an IANA name such as Europe/Berlin"
		}
	case "date":
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return fmt.Sprintf("%q is no date", text), "write YYYY-MM-DD"
		}
	case "date-time":
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			return fmt.Sprintf("%q is no RFC 3339 time", text), "write it like 2026-12-24T00:00:00Z"
		}
	}
	return "", ""
}
