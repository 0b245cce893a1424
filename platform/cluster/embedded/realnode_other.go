//go:build !linux

package embedded

import (
	"context"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"

	"dualtrack.internal/platform/cluster"
)

func unfit() []string { return []string{errUnsupported.Error()} }

func (*starter) prepareNode(context.Context, *identity) error          { return errUnsupported }
func (*starter) bringNode(context.Context, kubernetes.Interface) error { return errUnsupported }
func (layout) startInside(process, []string, *os.File) (int, error)    { return 0, errUnsupported }
func (*Provider) endNode(context.Context, layout, time.Duration) error { return errUnsupported }

// LoadImage says that real nodes need Linux.
func (*Provider) LoadImage(context.Context, string, cluster.ImageArchive) error {
	return errUnsupported
}
