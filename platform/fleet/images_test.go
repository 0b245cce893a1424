package fleet_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/fleet"
	"dualtrack.internal/platform/render"
)

// loader is a provider of real nodes that take images.
type loader struct {
	*core
	simulated bool
	fails     error

	mu    sync.Mutex
	given []string
}

func (l *loader) Lacks(*catalog.Cluster) []cluster.Ability {
	if l.simulated {
		return []cluster.Ability{cluster.RunsPods}
	}
	return nil
}

func (l *loader) Start(ctx context.Context, spec cluster.Spec, events cluster.Events) (cluster.Access, error) {
	access, err := l.core.Start(ctx, spec, events)
	access.Lacks = l.Lacks(nil)
	return access, err
}

func (l *loader) LoadImage(_ context.Context, name string, image cluster.ImageArchive) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.given = append(l.given, name+" "+image.Ref)
	return l.fails
}

// TestImages gives what was built here to real nodes, and builds nothing where
// no container runs.
func TestImages(t *testing.T) {
	t.Parallel()
	refused := errors.New("the disk is full")
	for name, tc := range map[string]struct {
		loader *loader
		build  error
		want   []string
		err    error
	}{
		"real nodes":      {&loader{}, nil, []string{"a a:1", "b b:1"}, nil},
		"simulated nodes": {&loader{simulated: true}, nil, nil, nil},
		"a build fails":   {&loader{}, refused, nil, refused},
		"a node refuses":  {&loader{fails: refused}, nil, []string{"a a:1", "b b:1"}, refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := tc.loader
			l.core = &core{host: silent(t)}
			d := driver(l.core, func(c *fleet.Config) {
				c.Core = l
				c.Images = func(_ context.Context, b *render.Bundle) ([]cluster.ImageArchive, error) {
					if l.simulated {
						t.Error("an image was built for simulated nodes")
					}
					return []cluster.ImageArchive{{Ref: b.Cluster + ":1"}}, tc.build
				}
			})
			outcomes, err := d.Up(t.Context(), bundles("a", "b"))
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(l.given)
			if diff := cmp.Diff(tc.want, l.given); diff != "" {
				t.Errorf("images given (-want +got):\n%s", diff)
			}
			for _, o := range outcomes {
				if tc.err != nil && !errors.Is(o.Err, tc.err) {
					t.Errorf("%s: error is %v, want %v", o.Cluster, o.Err, tc.err)
				}
			}
		})
	}
}
