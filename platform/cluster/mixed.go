package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// Mixed sends each cluster to its provider: the one that has state of it, else
// the one that its declaration, or Override, names.
type Mixed struct {
	Providers map[string]Core // by the name that declarations use
	// Declared gives the provider that a cluster's declaration names, "" for a
	// cluster that has none.
	Declared func(name string) string
	Override string // instead of what declarations name; "" means none
}

var (
	_ Core         = (*Mixed)(nil)
	_ StatusReader = (*Mixed)(nil)
	_ LogReader    = (*Mixed)(nil)
	_ ImageLoader  = (*Mixed)(nil)
	_ Surveyor     = (*Mixed)(nil)
)

// ErrUnsupported says that the cluster's provider does not offer what was asked.
var ErrUnsupported = errors.New("the cluster's provider does not offer this")

// OtherProviderError is a cluster that runs by one provider and is wanted by another.
type OtherProviderError struct{ Cluster, Has, Wanted string }

func (e *OtherProviderError) Error() string {
	return fmt.Sprintf("cluster %s: it is there by provider %s, and provider %s is asked for; `platform up --provider %s -c %s` goes on with it, `platform down -c %s` removes it",
		e.Cluster, e.Has, e.Wanted, e.Has, e.Cluster, e.Cluster)
}

// Provider names the provider of a cluster.
func (m *Mixed) Provider(name string) string {
	if has := m.has(name); has != "" {
		return has
	}
	return m.wanted(name)
}

// has names the provider with state of the cluster.
func (m *Mixed) has(name string) string {
	for _, provider := range slices.Sorted(maps.Keys(m.Providers)) {
		if m.Providers[provider].Knows(name) {
			return provider
		}
	}
	return ""
}

func (m *Mixed) wanted(name string) string {
	if m.Override != "" {
		return m.Override
	}
	return m.Declared(name)
}

func (m *Mixed) of(name string) (Core, error) {
	provider := m.Provider(name)
	core, ok := m.Providers[provider]
	switch {
	case ok:
		return core, nil
	case provider == "":
		return nil, fmt.Errorf("cluster %s: %w: it has neither a declaration nor state here", name, ErrNotRunning)
	}
	return nil, fmt.Errorf("cluster %s: there is no provider %q; the known ones are %s",
		name, provider, strings.Join(slices.Sorted(maps.Keys(m.Providers)), ", "))
}

// Start brings the cluster up by its provider. Errors: *OtherProviderError and
// the provider's own.
func (m *Mixed) Start(ctx context.Context, spec Spec, events Events) (Access, error) {
	name := spec.Cluster.Name
	if has, wanted := m.has(name), m.wanted(name); has != "" && has != wanted {
		return Access{}, &OtherProviderError{Cluster: name, Has: has, Wanted: wanted}
	}
	core, err := m.of(name)
	if err != nil {
		return Access{}, err
	}
	return core.Start(ctx, spec, events)
}

// Stop ends what runs of the cluster.
func (m *Mixed) Stop(ctx context.Context, name string) error {
	core, err := m.of(name)
	if err != nil {
		return err
	}
	return core.Stop(ctx, name)
}

// Remove ends what runs of the cluster and deletes its state.
func (m *Mixed) Remove(ctx context.Context, name string) error {
	core, err := m.of(name)
	if err != nil {
		return err
	}
	return core.Remove(ctx, name)
}

// Access reaches the cluster.
func (m *Mixed) Access(ctx context.Context, name string) (Access, error) {
	core, err := m.of(name)
	if err != nil {
		return Access{}, err
	}
	return core.Access(ctx, name)
}

// Lacks lists what the cluster's provider does not offer it.
func (m *Mixed) Lacks(c *catalog.Cluster) []Ability {
	core, err := m.of(c.Name)
	if err != nil {
		return nil
	}
	return core.Lacks(c)
}

// Knows says that some provider has state of the cluster.
func (m *Mixed) Knows(name string) bool { return m.has(name) != "" }

// Status lists the cluster's programs. Errors: ErrUnsupported.
func (m *Mixed) Status(ctx context.Context, name string) ([]ProcessStatus, error) {
	reader, err := ability[StatusReader](m, name, "a list of programs")
	if err != nil {
		return nil, err
	}
	return reader.Status(ctx, name)
}

// Logs writes a program's log. Errors: ErrUnsupported.
func (m *Mixed) Logs(ctx context.Context, name, program string, tail int, w io.Writer) error {
	reader, err := ability[LogReader](m, name, "logs")
	if err != nil {
		return err
	}
	return reader.Logs(ctx, name, program, tail, w)
}

// LoadImage gives an image to the cluster's nodes. Errors: ErrUnsupported.
func (m *Mixed) LoadImage(ctx context.Context, name string, image ImageArchive) error {
	loader, err := ability[ImageLoader](m, name, "nodes that take images")
	if err != nil {
		return err
	}
	return loader.LoadImage(ctx, name, image)
}

// Survey looks at a cluster that was there before. Errors: ErrUnsupported for
// clusters that the platform makes itself.
func (m *Mixed) Survey(ctx context.Context, spec Spec, objects []finding.Object) (Survey, error) {
	surveyor, err := ability[Surveyor](m, spec.Cluster.Name, "a survey")
	if err != nil {
		return Survey{}, err
	}
	return surveyor.Survey(ctx, spec, objects)
}

// TakesImages says that the provider of a cluster can give images to its nodes.
func TakesImages(core Core, name string) bool {
	if m, ok := core.(*Mixed); ok {
		inner, err := m.of(name)
		if err != nil {
			return false
		}
		core = inner
	}
	_, ok := core.(ImageLoader)
	return ok
}

// ability finds what a cluster's provider may offer beyond Core.
func ability[T any](m *Mixed, name, what string) (T, error) {
	var none T
	core, err := m.of(name)
	if err != nil {
		return none, err
	}
	offered, ok := core.(T)
	if !ok {
		return none, fmt.Errorf("cluster %s: %w: %s by provider %s", name, ErrUnsupported, what, m.Provider(name))
	}
	return offered, nil
}
