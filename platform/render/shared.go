package render

import (
	"sync"

	"dualtrack.internal/platform/memo"
)

// Shared lets several calls of All share the renderings whose inputs are equal,
// within a run and, with a store, between runs. The objects of shared renderings
// are the same in all results: nobody may change them. It is safe for use by
// several goroutines; two at once may do the same work twice.
type Shared struct {
	store  *memo.Store
	places sync.Map // of fields of the objects, as sources has them

	mu   sync.Mutex
	done map[string]*rendering // by key
}

// NewShared begins with what the store keeps; a nil store keeps nothing.
func NewShared(store *memo.Store) *Shared {
	return &Shared{store: store, done: map[string]*rendering{}}
}

// find gives the rendering of a job, nil when it is to be made. Its patches may be
// those of another job, which say the same in other places.
func (s *Shared) find(j *job, key string) *rendering {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	known := s.done[key]
	s.mu.Unlock()
	if known != nil {
		return known
	}
	data, ok := s.store.Get("rendering " + key)
	if !ok {
		return nil
	}
	stored, err := thaw(data, j.patches)
	if err != nil { // of another form: made again, and kept anew
		return nil
	}
	stored.ready()
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.done[key]; known != nil {
		return known
	}
	s.done[key] = stored
	return stored
}

// keep takes a rendering that was made. What failed is tried again.
func (s *Shared) keep(j *job, key string) {
	if s == nil || j.result.err != nil {
		return
	}
	s.mu.Lock()
	s.done[key] = &j.result
	s.mu.Unlock()
	if s.store == nil {
		return
	}
	if data, err := freeze(&j.result); err == nil {
		s.store.Put("rendering "+key, data)
	}
}

// sharedKey is equal for two jobs, of whatever trees, whose renderings are equal
// and whose objects stand at the same places of their sources; own tells the job from
// others of its tree, with or without the places of its patches.
func (p *plan) sharedKey(j *job, own string) string {
	c := j.component
	var plain []any // what is not among the files
	if c.Plain != nil {
		plain = []any{c.Plain.Manifests, c.Plain.Alias, c.Plain.Delivery}
	}
	return sumJSON(own, j.stage, c.Name, c.File, c.Dir, c.Spec.Namespace, c.Spec.Source, j.valuesAt, p.known, plain)
}
