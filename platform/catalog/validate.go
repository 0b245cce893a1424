package catalog

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"dualtrack.internal/platform/finding"
)

// What the struct tags cannot say is checked here and in the files beside this
// one, over what could be decoded. What could not was reported: its name still
// counts as known, and nothing more is said about its fields.

// owner is a file of the catalog that knows where its fields stand.
type owner interface {
	At(field string) finding.Position
}

func (l *loader) fail(o owner, field, what, mend string) {
	if l.broken(o.At("").File, field) {
		return
	}
	l.problems = append(l.problems, problem(o.At(field), field, what, mend))
}

func (l *loader) validate() {
	for _, name := range sortedKeys(l.catalog.Components) {
		l.component(l.catalog.Components[name])
	}
	l.cycles()
	for _, c := range l.catalog.Clusters {
		l.cluster(c)
	}
	l.hubs()
	if l.catalog.Fleet != nil {
		l.waves(l.catalog.Fleet)
		l.production(l.catalog.Fleet)
		l.freezes(l.catalog.Fleet)
		l.labels(l.catalog.Fleet, "metadata.labels", l.catalog.Fleet.Labels)
	}
	if l.catalog.Baseline != nil {
		l.labels(l.catalog.Baseline, "metadata.labels", l.catalog.Baseline.Labels)
	}
	l.exceptionList()
	l.silenceLists()
}

// Kubernetes' own words for these rules take three lines.
const (
	labelMend = "use up to 63 letters, digits, -, _ and ., with a letter or digit at both ends"
	keyMend   = labelMend + "; a domain and / may stand before it"
)

// labels holds labels against Kubernetes' own rules.
func (l *loader) labels(o owner, field string, labels Labels) {
	for _, key := range sortedKeys(labels) {
		at := join(field, key)
		if errs := validation.IsQualifiedName(key); errs != nil {
			l.fail(o, at, fmt.Sprintf("%q is no label key", key), keyMend)
		}
		if errs := validation.IsValidLabelValue(labels[key]); errs != nil {
			l.fail(o, at, fmt.Sprintf("%q is no label value", labels[key]), labelMend)
		}
	}
}

// once checks that no entry of a list stands twice.
func (l *loader) once(o owner, field string, list []string) {
	for i, entry := range list {
		if first := slices.Index(list, entry); first < i {
			l.fail(o, fmt.Sprintf("%s[%d]", field, i), entry+" stands twice", "remove one")
		}
	}
}

// patches checks that every patch has one form and can be read as it.
func (l *loader) patches(o owner, field string, patches []Patch) {
	for i, p := range patches {
		at := fmt.Sprintf("%s[%d]", field, i)
		if (p.Merge.Map != nil) == (p.JSON6902 != nil) {
			l.fail(o, at, "has to have exactly one of merge and json6902", "write one of them")
		}
		for j, op := range p.JSON6902 {
			l.operation(o, fmt.Sprintf("%s.json6902[%d]", at, j), op.Map)
		}
	}
}

// operation checks one operation of RFC 6902, section 4.
func (l *loader) operation(o owner, field string, op map[string]any) {
	needs := map[string][]string{
		"add": {"path", "value"}, "replace": {"path", "value"}, "test": {"path", "value"},
		"remove": {"path"}, "move": {"path", "from"}, "copy": {"path", "from"},
	}
	name, _ := op["op"].(string)
	fields, known := needs[name]
	if !known {
		l.fail(o, field, fmt.Sprintf("op %q is no operation of RFC 6902", name), suggest("op", name, sortedKeys(needs)))
		return
	}
	for _, f := range fields {
		value, there := op[f]
		if !there {
			l.fail(o, field, name+" has no "+f, "add it")
			continue
		}
		if text, isText := value.(string); f != "value" && (!isText || (text != "" && text[0] != '/')) {
			l.fail(o, field, fmt.Sprintf("%s %v is no JSON pointer", f, value), "begin it with /")
		}
	}
	for _, key := range sortedKeys(op) {
		if key != "op" && !slices.Contains(fields, key) {
			l.fail(o, field, fmt.Sprintf("%s takes no %s", name, key), suggest("field", key, append([]string{"op"}, fields...)))
		}
	}
}
