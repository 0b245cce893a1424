package policy

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/rego"
	"golang.org/x/sync/errgroup"
)

// part are the units of one component in one namespace of one cluster, the Namespace
// itself among them; those that stand in none are a part too. They are judged with the
// facts of that namespace, once for all clusters and runs in which they and these
// facts are the same.
type part struct {
	index      []int // of its units among the cluster's
	units      []unit
	namespaces []string // whose facts it sees
	sum        string   // of the objects; "" when it is not known
}

// partsOf sorts the units by component and namespace; the cluster's own settings are
// a part.
func partsOf(units []unit, sums map[string]string) ([]part, error) {
	var out []part
	at := map[[2]string]int{}
	for i, u := range units {
		component, known := u.from.Component, sums[u.from.Component]
		if u.ref.Kind == clusterKind && component == "" {
			var err error
			if known, err = sum(u.object); err != nil {
				return nil, err
			}
			component = "\x00settings " + u.ref.Name // no component's name
		}
		namespace := u.ref.Namespace
		if u.ref.Kind == "Namespace" {
			namespace = u.ref.Name
		}
		key := [2]string{component, namespace}
		n, seen := at[key]
		if !seen {
			n = len(out)
			at[key] = n
			if known != "" {
				known += " " + namespace
			}
			out = append(out, part{sum: known, namespaces: []string{namespace}})
		}
		p := &out[n]
		p.index, p.units = append(p.index, i), append(p.units, u)
	}
	return out, nil
}

// answer is the verdict on a part, by unit. It holds once done is closed.
type answer struct {
	done  chan struct{}
	found [][]verdict
	err   error
}

// answers are those of one engine, by key.
type answers struct {
	mu    sync.Mutex
	byKey map[string]*answer
}

// claim gives the answer of a key, and says whether the caller must find it.
func (a *answers) claim(key string) (*answer, bool) {
	if key == "" {
		return &answer{done: make(chan struct{})}, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.byKey[key]; known != nil {
		return known, false
	}
	made := &answer{done: make(chan struct{})}
	a.byKey[key] = made
	return made, true
}

// drop forgets an answer that was not found.
func (a *answers) drop(key string) {
	if key == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byKey, key)
}

// asked is a part whose answer this call must find.
type asked struct {
	part
	key string // "" when it is not known
	*answer
}

// judgeParts gives the verdicts on each unit. It finds the answers that nobody has
// begun, and then waits for those that others have: so no two wait for each other.
func (e *Engine) judgeParts(ctx context.Context, v *views, parts []part, units int) ([][]verdict, error) {
	all := make([]*answer, len(parts))
	var own []asked
	for i, p := range parts {
		key := ""
		if p.sum != "" {
			facts, err := v.sum(p.namespaces)
			if err != nil {
				e.leave(own, err)
				return nil, err
			}
			key = fmt.Sprintf("verdicts %s %s %s", e.sum, facts, p.sum)
		}
		var mine bool
		if all[i], mine = e.answers.claim(key); mine {
			own = append(own, asked{p, key, all[i]})
		}
	}
	if err := e.find(ctx, v, own); err != nil {
		return nil, err
	}
	found := make([][]verdict, units)
	for i, p := range parts {
		answered, err := e.await(ctx, v, p, all[i])
		if err != nil {
			return nil, err
		}
		for n, at := range p.index {
			found[at] = answered[n]
		}
	}
	return found, nil
}

// leave ends the wait for answers that are not looked for.
func (e *Engine) leave(own []asked, why error) {
	for _, a := range own {
		a.err = why
		e.answers.drop(a.key)
		close(a.done)
	}
}

// find takes answers from the store, and evaluates the rules for the others: those
// rules alone that these can meet, where they are few.
func (e *Engine) find(ctx context.Context, v *views, own []asked) error {
	var missing []asked
	var kinds []string
	for _, a := range own {
		if a.key != "" {
			if data, ok := e.store.Get(a.key); ok && json.Unmarshal(data, &a.found) == nil && len(a.found) == len(a.units) {
				close(a.done)
				continue
			}
		}
		missing = append(missing, a)
		for _, u := range a.units {
			kinds = append(kinds, u.ref.Kind)
		}
	}
	if kinds = append(kinds, anyObject); len(missing) > mostParts {
		kinds = nil
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers())
	for _, a := range missing {
		group.Go(func() error { return e.evaluate(groupCtx, v, a, kinds) })
	}
	return group.Wait()
}

func (e *Engine) evaluate(ctx context.Context, v *views, a asked, kinds []string) error {
	defer close(a.done)
	a.found, a.err = e.judgeUnits(ctx, v, a.part, kinds)
	if a.err != nil {
		e.answers.drop(a.key)
		return a.err
	}
	if a.key != "" {
		e.remember(a.key, a.found)
	}
	return nil
}

// remember keeps verdicts, unless one was for want of time.
func (e *Engine) remember(key string, found [][]verdict) {
	if slices.ContainsFunc(slices.Concat(found...), func(v verdict) bool { return v.late }) {
		return
	}
	if data, err := json.Marshal(found); err == nil {
		e.store.Put(key, data)
	}
}

// await waits for an answer that somebody has begun. If that one failed, for its
// caller has gone, it is found here.
func (e *Engine) await(ctx context.Context, v *views, p part, a *answer) ([][]verdict, error) {
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if a.err == nil {
		return a.found, nil
	}
	return e.judgeUnits(ctx, v, p, nil)
}

// judgeUnits asks the rules about the units that were not seen before among facts that
// are the same to the rules.
func (e *Engine) judgeUnits(ctx context.Context, v *views, p part, kinds []string) ([][]verdict, error) {
	if err := ctx.Err(); err != nil { // rules that say little end before they look
		return nil, err
	}
	data, err := v.data(p.namespaces)
	if err != nil {
		return nil, err
	}
	among := newFacts(v, data)
	txn, err := among.NewTransaction(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the facts: %w", err)
	}
	defer among.Abort(ctx, txn)
	found, keys := make([][]verdict, len(p.units)), make([][sha256.Size]byte, len(p.units))
	var open []int
	for i, u := range p.units {
		if keys[i], err = unitKey(u); err != nil {
			return nil, fmt.Errorf("judge %s: %w", u.ref, err)
		}
		said, known := e.seen.find(ctx, txn, keys[i], among)
		if found[i] = said; !known {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return found, nil
	}
	query, err := e.queryOn(ctx, entryFindings, among, kinds)
	if err != nil {
		return nil, err
	}
	readings := make([]*reading, len(open))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers())
	for n, i := range open {
		readings[n] = &reading{txn, map[string]bool{}}
		group.Go(func() (err error) {
			if found[i], err = judgeUnit(groupCtx, query, p.units[i], rego.EvalTransaction(readings[n])); err != nil {
				return fmt.Errorf("judge %s: %w", p.units[i].ref, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for n, i := range open {
		e.seen.note(ctx, readings[n], keys[i], among, found[i])
	}
	return found, nil
}
