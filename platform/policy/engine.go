// Package policy judges objects with the Rego rules of the policies folder. It
// compiles them once, without any network, clock or random built-in, evaluates
// one object with its context at a time, and gives findings with source
// positions, mends and patches; exceptions waive findings and never hide them.
// It never changes an object and never talks to a cluster.
package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/agnivade/levenshtein"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/memo"
)

// ErrUnknownRule says that no rule has the id that was asked for.
var ErrUnknownRule = errors.New("no such rule")

// Entry points of the Rego rules.
const (
	entryFindings = "data.dualtrack.main.findings"
	entryDrift    = "data.dualtrack.main.drift"
	entryChange   = "data.dualtrack.main.change"
	entryRules    = "data.dualtrack.main.rules"
)

// Rule describes one rule. Its id is never used again for another one.
type Rule struct {
	ID       string           `json:"id"`
	Title    string           `json:"title"`
	Severity finding.Severity `json:"severity"` // unless the fleet or the finding says otherwise
	Profile  string           `json:"profile"`  // baseline, restricted or fleet
	Why      string           `json:"why"`
	Mend     string           `json:"mend"`
	Refs     []string         `json:"refs"`
	// Params are the parameters that fleet.yaml may set, with their defaults.
	Params map[string]any `json:"params,omitempty"`
	// Fixed says that no exception may waive the rule.
	Fixed bool `json:"fixed,omitempty"`
}

// Engine holds the rules. It is safe for concurrent use.
type Engine struct {
	files   Sources
	sum     string // tells the rules from others
	rules   []Rule // by id
	store   *memo.Store
	answers answers
	seen    sightings

	mu      sync.Mutex
	all     *subset             // nil until all rules are first asked
	kinds   map[string][]string // that the rule of a file is about, where only some
	subsets []*subset           // compiled before all were asked
}

// described is what the store keeps of rules.
type described struct {
	Rules []Rule              `json:"rules"`
	Kinds map[string][]string `json:"kinds"`
}

// Compile reads every Rego file of fsys but the tests and compiles them
// strictly with the built-ins of capabilities.go.
func Compile(ctx context.Context, fsys fs.FS) (*Engine, error) {
	files, err := Carried(fsys)
	if err != nil {
		return nil, err
	}
	return Open(ctx, files, nil)
}

// Open is Compile with a store of earlier verdicts. Rules that the store knows
// are compiled once something is to be judged that it does not know.
func Open(ctx context.Context, files Sources, store *memo.Store) (*Engine, error) {
	e := &Engine{files: files.rules(), store: store, answers: answers{byKey: map[string]*answer{}}}
	var err error
	if e.sum, err = sum(e.files); err != nil {
		return nil, err
	}
	key := "rules " + e.sum
	var known described
	if data, ok := store.Get(key); ok && json.Unmarshal(data, &known) == nil && len(known.Rules) > 0 {
		e.rules, e.kinds = known.Rules, known.Kinds
		return e, nil
	}
	if e.rules, err = e.describe(ctx); err != nil {
		return nil, err
	}
	if data, err := json.Marshal(described{e.rules, e.kinds}); err == nil {
		store.Put(key, data)
	}
	return e, nil
}

// parse parses Rego files.
func parse(ctx context.Context, files Sources) (map[string]*ast.Module, error) {
	paths := slices.Sorted(maps.Keys(files))
	parsed := make([]*ast.Module, len(paths))
	options := ast.ParserOptions{Capabilities: capabilities()}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers())
	for i, path := range paths {
		group.Go(func() (err error) {
			if ctx.Err() == nil {
				parsed[i], err = ast.ParseModuleWithOpts(path, files[path], options)
			}
			if err != nil {
				return fmt.Errorf("read the policies: %w", located(err))
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	modules := make(map[string]*ast.Module, len(paths))
	for i, path := range paths {
		modules[path] = parsed[i]
	}
	return modules, nil
}

// query prepares an entry point over the given context.
func (e *Engine) query(ctx context.Context, entry string, data ast.Object) (rego.PreparedEvalQuery, error) {
	return e.queryFor(ctx, entry, data, nil)
}

// queryFor asks the rules about a few kinds, or more; nil kinds are all.
func (e *Engine) queryFor(ctx context.Context, entry string, data ast.Object, kinds []string) (rego.PreparedEvalQuery, error) {
	return e.queryOn(ctx, entry, inmem.NewFromASTObject(data), kinds)
}

func (e *Engine) queryOn(ctx context.Context, entry string, store storage.Store, kinds []string) (rego.PreparedEvalQuery, error) {
	compiler, err := e.compilerFor(ctx, kinds)
	if err != nil {
		return rego.PreparedEvalQuery{}, err
	}
	q, err := rego.New(
		rego.Compiler(compiler),
		rego.Capabilities(capabilities()),
		rego.Store(store),
		rego.StrictBuiltinErrors(true), // a built-in that fails must not read as a pass
		rego.Query(entry),
	).PrepareForEval(ctx)
	if err != nil {
		return q, fmt.Errorf("prepare the policies: %w", err)
	}
	return q, nil
}

func (e *Engine) describe(ctx context.Context) ([]Rule, error) {
	q, err := e.query(ctx, entryRules, ast.NewObject())
	if err != nil {
		return nil, err
	}
	set, err := q.Eval(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the rules' descriptions: %w", err)
	}
	var rules []Rule
	if err := decode(set, &rules); err != nil {
		return nil, fmt.Errorf("read the rules' descriptions: %w", err)
	}
	slices.SortFunc(rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	for i, r := range rules {
		if r.ID == "" || (i > 0 && r.ID == rules[i-1].ID) {
			return nil, fmt.Errorf("read the rules' descriptions: id %q is empty or used twice", r.ID)
		}
	}
	return rules, nil
}

// decode turns the value of a query's only expression into Go values.
func decode(set rego.ResultSet, into any) error {
	if len(set) == 0 || len(set[0].Expressions) == 0 {
		return nil
	}
	data, err := json.Marshal(set[0].Expressions[0].Value)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// Rules lists every rule, sorted by id.
func (e *Engine) Rules() []Rule { return slices.Clone(e.rules) }

// Explain gives a rule by its id, in any case. The error of an unknown one
// wraps ErrUnknownRule and names the nearest.
func (e *Engine) Explain(id string) (Rule, error) {
	want := strings.ToUpper(id)
	near, best := "", 4
	for _, r := range e.rules {
		if r.ID == want {
			return r, nil
		}
		if d := levenshtein.ComputeDistance(want, r.ID); d < best {
			near, best = r.ID, d
		}
	}
	if near != "" {
		return Rule{}, fmt.Errorf("%w: %s; did you mean %s?", ErrUnknownRule, id, near)
	}
	return Rule{}, fmt.Errorf("%w: %s", ErrUnknownRule, id)
}
