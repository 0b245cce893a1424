package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// part are the units of one component on one cluster. They are judged with the
// facts of their own namespaces, once for all clusters and runs in which they and
// these facts are the same.
type part struct {
	index      []int // of its units among the cluster's
	units      []unit
	namespaces []string // sorted
	sum        string   // of the objects; "" when it is not known
}

// partsOf sorts the units by component; the cluster's own settings are a part.
func partsOf(units []unit, sums map[string]string) ([]part, error) {
	var out []part
	at := map[string]int{}
	for i, u := range units {
		name, known := u.from.Component, sums[u.from.Component]
		if u.ref.Kind == clusterKind && name == "" {
			var err error
			if known, err = sum(u.object); err != nil {
				return nil, err
			}
			name = "\x00settings" // no component's name
		}
		n, seen := at[name]
		if !seen {
			n = len(out)
			at[name] = n
			out = append(out, part{sum: known})
		}
		p := &out[n]
		p.index, p.units = append(p.index, i), append(p.units, u)
		p.namespaces = append(p.namespaces, u.ref.Namespace)
		if u.ref.Kind == "Namespace" {
			p.namespaces = append(p.namespaces, u.ref.Name)
		}
	}
	for i := range out {
		slices.Sort(out[i].namespaces)
		out[i].namespaces = slices.Compact(out[i].namespaces)
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
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byKey, key)
}

// judgeParts gives the verdicts on each unit. It finds the answers that nobody has
// begun, and then waits for those that others have: so no two wait for each other.
func (e *Engine) judgeParts(ctx context.Context, v *views, parts []part, units int) ([][]verdict, error) {
	keys, all, own := make([]string, len(parts)), make([]*answer, len(parts)), make([]bool, len(parts))
	for i, p := range parts {
		if p.sum != "" {
			facts, err := v.sum(p.namespaces)
			if err != nil {
				return nil, err
			}
			keys[i] = fmt.Sprintf("verdicts %s %s %s", e.sum, facts, p.sum)
		}
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers())
	for i, p := range parts {
		if all[i], own[i] = e.answers.claim(keys[i]); own[i] {
			group.Go(func() error { return e.find(groupCtx, v, p, keys[i], all[i]) })
		}
	}
	if err := group.Wait(); err != nil {
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
	return e.judgeUnits(ctx, v, p)
}

// find takes an answer from the store, or evaluates the rules.
func (e *Engine) find(ctx context.Context, v *views, p part, key string, a *answer) error {
	defer close(a.done)
	if key != "" {
		if data, ok := e.store.Get(key); ok && json.Unmarshal(data, &a.found) == nil && len(a.found) == len(p.units) {
			return nil
		}
	}
	a.found, a.err = e.judgeUnits(ctx, v, p)
	if a.err != nil {
		if key != "" {
			e.answers.drop(key)
		}
		return a.err
	}
	if key != "" && !slices.ContainsFunc(slices.Concat(a.found...), func(v verdict) bool { return v.late }) {
		if data, err := json.Marshal(a.found); err == nil {
			e.store.Put(key, data)
		}
	}
	return nil
}

func (e *Engine) judgeUnits(ctx context.Context, v *views, p part) ([][]verdict, error) {
	data, err := v.data(p.namespaces)
	if err != nil {
		return nil, err
	}
	query, err := e.query(ctx, entryFindings, data)
	if err != nil {
		return nil, err
	}
	found := make([][]verdict, len(p.units))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers())
	for i, u := range p.units {
		group.Go(func() (err error) {
			if found[i], err = judgeUnit(groupCtx, query, u); err != nil {
				return fmt.Errorf("judge %s: %w", u.ref, err)
			}
			return nil
		})
	}
	return found, group.Wait()
}
