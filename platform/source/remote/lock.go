package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// atOnce is how many sources are resolved at a time.
const atOnce = 4

// LockOptions say what is resolved anew.
type LockOptions struct {
	Upgrade bool     // pins move to what the sources give now
	Only    []string // with Upgrade: of these components; empty means all
	Check   bool     // without Upgrade: open no connection
}

// Move is what differs between two locks for one component.
type Move struct {
	Component string                `json:"component"`
	From      *catalog.LockedSource `json:"from,omitempty"` // nil where there is no pin
	To        *catalog.LockedSource `json:"to,omitempty"`
	Why       string                `json:"why"`
}

// Locked is what a lock is to hold.
type Locked struct {
	Sources map[string]catalog.LockedSource
	Moves   []Move // by component
}

// Lock resolves the remote sources of a catalog: those that the catalog's lock
// does not pin as they are asked for, and with Upgrade the others too. What is
// pinned is in the cache afterwards. Every source that fails is in the error.
func (s *Store) Lock(ctx context.Context, cat *catalog.Catalog, o LockOptions) (*Locked, error) {
	old := map[string]catalog.LockedSource{}
	if cat.Lock != nil {
		old = cat.Lock.Spec.Sources
	}
	names := Names(cat)
	for _, name := range o.Only {
		if !slices.Contains(names, name) {
			return nil, &NameError{name, names}
		}
	}
	pins := make([]*catalog.LockedSource, len(names))
	failed := make([]error, len(names))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, name := range names {
		group.Go(func() error {
			pins[i], failed[i] = s.pin(ctx, cat, cat.Components[name], o)
			return nil
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err(), together(failed)); err != nil {
		return nil, err
	}
	out := &Locked{Sources: map[string]catalog.LockedSource{}}
	for i, name := range names {
		if pins[i] != nil {
			out.Sources[name] = *pins[i]
		}
	}
	out.Moves = moves(cat, old, out.Sources)
	return out, nil
}

// NameError says that a component is none with a remote source.
type NameError struct {
	Name  string
	Known []string
}

func (e *NameError) Error() string {
	if len(e.Known) == 0 {
		return "no component has a remote source"
	}
	return fmt.Sprintf("%s is no component with a remote source; these are: %s", e.Name, strings.Join(e.Known, ", "))
}

// together gives all problems as one, or the first error that is none.
func together(errs []error) error {
	var problems finding.Problems
	for _, err := range errs {
		if err == nil {
			continue
		}
		found, other := finding.Gather(err)
		if other != nil {
			return other
		}
		problems = append(problems, found...)
	}
	return problems.Err()
}

// Names are the components with a remote source, sorted.
func Names(cat *catalog.Catalog) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(cat.Components)), func(name string) bool {
		return !cat.Components[name].Spec.Source.Remote()
	})
}

// pin gives a component's pin: the one it has, or a new one; nil where a check
// finds that it needs one.
func (s *Store) pin(ctx context.Context, cat *catalog.Catalog, c *catalog.Component, o LockOptions) (*catalog.LockedSource, error) {
	old, err := cat.Lock.Pin(c)
	pinned := err == nil
	if pinned && (!o.Upgrade || len(o.Only) > 0 && !slices.Contains(o.Only, c.Name)) {
		if o.Check {
			return &old, nil
		}
		_, err := s.Files(ctx, c, old)
		return &old, err
	}
	if o.Check && !o.Upgrade {
		return nil, nil
	}
	if s.o.Offline {
		return nil, &catalog.UnavailableError{Component: c.Name, From: shown(c.Spec.Source.Wants()), Err: errors.New("a pin can't be found with --offline")}
	}
	now, data, err := s.resolve(ctx, c)
	if err != nil {
		return nil, err
	}
	if pinned && now.Digest != old.Digest && now.Version == old.Version && !moving(c) {
		return nil, &finding.Problem{Position: old.Position, Field: field(c.Name),
			What: fmt.Sprintf("%s has other bytes than were pinned: %s was %s", now.Version, now.Digest, old.Digest),
			Mend: "a version does not change by itself: ask its author; to take it all the same remove the pin first"}
	}
	if o.Check {
		return now, nil
	}
	return now, s.hold(ctx, now.Digest, func(context.Context) error { return s.keep(now.Digest, data) })
}

// moving says that a source may give other bytes by the same name.
func moving(c *catalog.Component) bool {
	return c.Spec.Source.Git != nil && c.Spec.Source.Git.Ref.Branch != ""
}

// resolve asks a source for what it gives now.
func (s *Store) resolve(ctx context.Context, c *catalog.Component) (*catalog.LockedSource, []byte, error) {
	src := c.Spec.Source
	s.o.Say("asking for " + shown(src.Wants()))
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.Timeout, fmt.Errorf("took longer than %s", s.o.Timeout))
	defer cancel()
	var locked catalog.LockedSource
	var data []byte
	var err error
	switch {
	case src.OCI != nil:
		locked, data, err = s.artifact(ctx, src.OCI)
	case src.Git != nil:
		locked, data, err = s.folder(ctx, src.Git)
	default:
		locked, data, err = s.chart(ctx, src.Helm)
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, nil, fmt.Errorf("%s: %w", c.At("spec.source"), &catalog.UnavailableError{Component: c.Name, From: shown(src.Wants()), Err: err})
	}
	if _, err := unpack(data, locked.Format); err != nil {
		return nil, nil, &finding.Problem{Position: c.At("spec.source"), Field: "spec.source",
			What: fmt.Sprintf("%s: %v", shown(src.Wants()), err), Mend: "name another version or source; this archive is not used"}
	}
	locked.Wants, locked.Digest, locked.Size = src.Wants(), digest(data), len(data)
	return &locked, data, nil
}

// moves compares two locks.
func moves(cat *catalog.Catalog, old, now map[string]catalog.LockedSource) []Move {
	var out []Move
	for _, name := range Names(cat) {
		before, was := old[name]
		after, is := now[name]
		before.Position, after.Position = finding.Position{}, finding.Position{}
		switch {
		case was && is && before == after:
		case was && !is:
			out = append(out, Move{name, &before, nil, "component.yaml asks for " + cat.Components[name].Spec.Source.Wants()})
		case !was && !is:
			out = append(out, Move{name, nil, nil, "not pinned yet"})
		case !was:
			out = append(out, Move{name, nil, &after, "new"})
		default:
			out = append(out, Move{name, &before, &after, "moved"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if c := cat.Components[name]; c == nil || !c.Spec.Source.Remote() {
			before := old[name]
			out = append(out, Move{name, &before, nil, "no component asks for it"})
		}
	}
	return out
}
