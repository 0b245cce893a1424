package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// views gives each part of a cluster's objects the facts that it is judged with:
// the tables of its own namespaces, and those that hold for all.
type views struct {
	sheet  factSheet
	common func() (common, error) // tables that hold for all

	mu     sync.Mutex
	tables map[string]string            // sums of one namespace's part of the tables
	paths  map[string][sha256.Size]byte // sums of what stands at paths of the others
}

// common are tables as rules see them, and a sum that tells them from others.
type common struct {
	terms map[string]*ast.Term
	sum   string
}

func newViews(sheet factSheet) *views {
	v := &views{sheet: sheet, tables: map[string]string{}, paths: map[string][sha256.Size]byte{}}
	v.common = sync.OnceValues(v.readCommon)
	return v
}

func (v *views) readCommon() (common, error) {
	own := byNamespace()
	s := common{terms: map[string]*ast.Term{}}
	all := map[string]any{}
	for name, table := range v.sheet {
		if slices.Contains(own, name) {
			continue
		}
		value, err := ast.InterfaceToValue(table)
		if err != nil {
			return s, fmt.Errorf("facts %s: %w", name, err)
		}
		s.terms[name], all[name] = ast.NewTerm(value), table
	}
	var err error
	s.sum, err = sum(all)
	return s, err
}

// sum tells the facts of a part from all others.
func (v *views) sum(namespaces []string) (string, error) {
	all, err := v.common()
	if err != nil {
		return "", err
	}
	sums := []string{all.sum}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, namespace := range namespaces {
		known, ok := v.tables[namespace]
		if !ok {
			part := map[string]any{}
			for _, table := range byNamespace() {
				part[table] = v.sheet[table].(map[string]any)[namespace]
			}
			if known, err = sum(part); err != nil {
				return "", err
			}
			v.tables[namespace] = known
		}
		sums = append(sums, namespace, known)
	}
	return sum(sums)
}

// path is the sum of what stands at a path that all parts see.
func (v *views) path(path string) ([sha256.Size]byte, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	sum, known := v.paths[path]
	return sum, known
}

func (v *views) notePath(path string, sum [sha256.Size]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.paths[path] = sum
}

// data is what the rules see as data.
func (v *views) data(namespaces []string) (ast.Object, error) {
	all, err := v.common()
	if err != nil {
		return nil, err
	}
	context := ast.NewObject()
	for _, name := range slices.Sorted(maps.Keys(all.terms)) {
		context.Insert(ast.StringTerm(name), all.terms[name])
	}
	for _, name := range byNamespace() {
		table := ast.NewObject()
		for _, namespace := range namespaces {
			rows, there := v.sheet[name].(map[string]any)[namespace]
			if !there {
				continue
			}
			value, err := ast.InterfaceToValue(rows)
			if err != nil {
				return nil, fmt.Errorf("facts %s of %s: %w", name, namespace, err)
			}
			table.Insert(ast.StringTerm(namespace), ast.NewTerm(value))
		}
		context.Insert(ast.StringTerm(name), ast.NewTerm(table))
	}
	return ast.NewObject([2]*ast.Term{ast.StringTerm("context"), ast.NewTerm(context)}), nil
}

// sum is equal for equal values.
func sum(value any) (string, error) {
	data, err := json.Marshal(value) // maps in the order of their keys
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:]), nil
}
