package policy

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// sightings remember what the rules said of units, and which facts those read for that. The
// same unit among other facts is judged anew only where one of those is another: what
// changes elsewhere on a cluster, or differs between clusters, mostly is none of them.
// The zero value remembers nothing yet.
type sightings struct {
	mu    sync.Mutex
	units map[[sha256.Size]byte][]sighting
	reads map[string]*reads // by their paths
}

// reads are paths into the facts, in order.
type reads struct{ paths []string }

// sighting is what was said of a unit among facts.
type sighting struct {
	reads *reads
	sum   [sha256.Size]byte // of what stands at the paths
	said  []verdict
}

// pathEnd stands between the keys of a path. No key of the facts holds it.
const pathEnd = "\x00"

// facts are a store of facts that notes what is read of it in a reading.
type facts struct {
	storage.Store
	views *views
	sums  map[*reads][sha256.Size]byte
}

// reading is a transaction that notes the paths that are read.
type reading struct {
	storage.Transaction
	paths map[string]bool
}

func newFacts(v *views, data ast.Object) *facts {
	return &facts{Store: inmem.NewFromASTObject(data), views: v, sums: map[*reads][sha256.Size]byte{}}
}

// Read implements storage.Store.
func (f *facts) Read(ctx context.Context, txn storage.Transaction, path storage.Path) (any, error) {
	if r, ok := txn.(*reading); ok {
		r.paths[strings.Join(path, pathEnd)] = true
		txn = r.Transaction
	}
	return f.Store.Read(ctx, txn, path)
}

// sum is equal where the same stands at the paths.
func (f *facts) sum(ctx context.Context, txn storage.Transaction, r *reads) [sha256.Size]byte {
	known, ok := f.sums[r]
	if !ok {
		h := sha256.New()
		for _, path := range r.paths {
			one := f.at(ctx, txn, path)
			h.Write(one[:])
		}
		h.Sum(known[:0])
		f.sums[r] = known
	}
	return known
}

// at is a sum of what stands at a path. Of what holds for all parts it is made once.
func (f *facts) at(ctx context.Context, txn storage.Transaction, path string) [sha256.Size]byte {
	keys := strings.Split(path, pathEnd)
	common := len(keys) > 1 && !slices.Contains(byNamespace(), keys[1])
	if common {
		if known, ok := f.views.path(path); ok {
			return known
		}
	}
	text := ""
	switch value, err := f.Store.Read(ctx, txn, keys); {
	case err != nil:
		text = "absent: " + err.Error()
	default:
		text = fmt.Sprintf("%T %v", value, value) // objects and sets in the order of their keys
	}
	sum := sha256.Sum256([]byte(text))
	if common {
		f.views.notePath(path, sum)
	}
	return sum
}

// unitKey tells a unit from others.
func unitKey(u unit) ([sha256.Size]byte, error) {
	data, err := json.Marshal([]any{u.object, u.listed, u.ref})
	return sha256.Sum256(data), err
}

// find gives what was said of a unit among facts that are the same to the rules.
func (s *sightings) find(ctx context.Context, txn storage.Transaction, key [sha256.Size]byte, among *facts) ([]verdict, bool) {
	s.mu.Lock()
	list := s.units[key]
	s.mu.Unlock()
	for _, one := range list {
		if among.sum(ctx, txn, one.reads) == one.sum {
			return one.said, true
		}
	}
	return nil, false
}

// note remembers what was said, unless it was for want of time, or of all facts at
// once: those are never the same, and take long to compare.
func (s *sightings) note(ctx context.Context, r *reading, key [sha256.Size]byte, among *facts, said []verdict) {
	if r.paths[""] || r.paths["context"] || slices.ContainsFunc(said, func(v verdict) bool { return v.late }) {
		return
	}
	sorted := slices.Sorted(maps.Keys(r.paths))
	joined := strings.Join(sorted, "\n")
	s.mu.Lock()
	if s.units == nil {
		s.units, s.reads = map[[sha256.Size]byte][]sighting{}, map[string]*reads{}
	}
	set := s.reads[joined]
	if set == nil {
		set = &reads{sorted}
		s.reads[joined] = set
	}
	s.mu.Unlock()
	one := sighting{set, among.sum(ctx, r.Transaction, set), said}
	s.mu.Lock()
	s.units[key] = append(s.units[key], one)
	s.mu.Unlock()
}
