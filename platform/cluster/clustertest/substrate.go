package clustertest

import (
	"context"
	"testing"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/embedded"
)

// Substrate starts a real control plane with simulated nodes, for tests of what
// works on clusters that are there already. It is removed when the test ends.
// Its context in the kubeconfig has its name.
func Substrate(t testing.TB, name string) cluster.Access {
	t.Helper()
	p, err := embedded.New(embedded.Config{StateDir: t.TempDir(), Programs: Programs(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), startLimit)
		defer cancel()
		if err := p.Remove(ctx, name); err != nil {
			t.Errorf("remove the substrate: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	access, err := p.Start(ctx, Spec(t, name), cluster.Events{})
	if err != nil {
		t.Fatalf("start the substrate: %v", err)
	}
	return access
}
