package cluster

import (
	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// RealNodeLabel is on nodes whose kubelet is real in a cluster that has simulated
// nodes too.
const RealNodeLabel = "platform.dualtrack.internal/real-node"

// SimulatedNodeAnnotation is on nodes that a simulator plays; its value there is
// SimulatedNode.
const (
	SimulatedNodeAnnotation = "kwok.x-k8s.io/node"
	SimulatedNode           = "fake"
)

// Checker is a provider that says what this machine lacks for a cluster, before
// anything is started. Nothing to say gives none.
type Checker interface {
	Preflight(c *catalog.Cluster) []finding.Finding
}

var _ Checker = (*Mixed)(nil)

// Preflight says what this machine lacks for a cluster, as far as its provider
// can tell.
func (m *Mixed) Preflight(c *catalog.Cluster) []finding.Finding {
	core, err := m.of(c.Name)
	if err != nil {
		return nil // said when the cluster is started
	}
	checker, ok := core.(Checker)
	if !ok {
		return nil
	}
	return checker.Preflight(c)
}
