//go:build real && linux

package packets_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"dualtrack.internal/platform/preflight/xdp"
)

// settles waits until the count is what is wanted, and then that it stays so.
func settles(t *testing.T, p *xdp.Program, want uint64) error {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		got, err := p.Counters.Sum()
		switch {
		case err != nil:
			return err
		case got > want, got < want && time.Now().After(deadline):
			return fmt.Errorf("%d packets were counted, %d were sent", got, want)
		case got == want:
			<-time.After(50 * time.Millisecond)
			if again, err := p.Counters.Sum(); err != nil || again != want {
				return fmt.Errorf("the count went on from %d to %d: %w", want, again, err)
			}
			return nil
		}
		<-time.After(5 * time.Millisecond)
	}
}

func closes(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Errorf("closing a %T: %v", c, err)
	}
}
