package sampling

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"dualtrack.internal/tests/experiments/collector"
)

// Sink is where a collector sends what it kept: it counts spans by trace.
type Sink struct {
	Addr string

	mu    sync.Mutex
	spans map[id][]uint64 // each span once
	again int             // spans that came once more
	odd   int             // spans whose resource lacks cluster_env
	wire  int             // bytes, as they came
	last  time.Time

	tls    *tls.Config
	server collector.Server
}

// NewSink makes one that does not listen yet. With a configuration it speaks TLS.
func NewSink(ctx context.Context, config *tls.Config) (*Sink, error) {
	addr, err := collector.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &Sink{Addr: addr, spans: map[id][]uint64{}, tls: config}
	s.server.Take = s.take
	return s, nil
}

// Listen lets the sink be reached from now on, until Close.
func (s *Sink) Listen(ctx context.Context) error {
	if s.tls == nil {
		return s.server.Listen(ctx, s.Addr)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("the sink: %w", err)
	}
	s.server.Serve(tls.NewListener(l, s.tls))
	return nil
}

// Close ends it and waits.
func (s *Sink) Close() error { return s.server.Close() }

func (s *Sink) take(message []byte, wire int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	s.wire += wire
	return collector.Each(message, 1, s.resource) // resource_spans
}

func (s *Sink) resource(spans []byte) error {
	named := false
	err := collector.Each(spans, 1, func(resource []byte) error {
		return collector.Each(resource, 1, func(attribute []byte) error {
			return collector.Each(attribute, 1, func(key []byte) error { named = named || string(key) == "cluster_env"; return nil })
		})
	})
	if err != nil {
		return err
	}
	return collector.Each(spans, 2, func(scope []byte) error {
		return collector.Each(scope, 2, func(span []byte) error {
			if !named {
				s.odd++
			}
			return s.span(span)
		})
	})
}

func (s *Sink) span(span []byte) error {
	var trace id
	var number uint64
	err := errors.Join(
		collector.Each(span, 1, func(b []byte) error { copy(trace[:], b); return nil }),
		collector.Each(span, 2, func(b []byte) error {
			if len(b) == 8 {
				number = binary.BigEndian.Uint64(b)
			}
			return nil
		}))
	if err != nil {
		return err
	}
	for _, known := range s.spans[trace] {
		if known == number {
			s.again++
			return nil
		}
	}
	s.spans[trace] = append(s.spans[trace], number)
	return nil
}

// Settled waits until something has come and then nothing for a while.
func (s *Sink) Settled(ctx context.Context, quiet, limit time.Duration) error {
	for deadline := time.Now().Add(limit); ; {
		s.mu.Lock()
		last, n := s.last, len(s.spans)
		s.mu.Unlock()
		if !last.IsZero() && time.Since(last) > quiet {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("what arrives does not settle in %s: %d traces", limit, n)
		}
		if err := collector.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// Counts are what came of the traces that were sent.
type Counts struct {
	Whole, Part map[string]int // traces with all their spans, and with some, by kind
	Strange     int            // traces that nobody sent
	Again, Odd  int            // spans that came once more, and without cluster_env
	Wire        int            // bytes
}

// Kept are the traces of a kind of which anything came.
func (c Counts) Kept(kind string) int { return c.Whole[kind] + c.Part[kind] }

// Counts tell what came so far of what was sent.
func (s *Sink) Counts(of ...*Sent) Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{Whole: map[string]int{}, Part: map[string]int{}, Again: s.again, Odd: s.odd, Wire: s.wire}
	for trace, spans := range s.spans {
		known := false
		for _, sent := range of {
			k, ours := sent.kind[trace]
			switch {
			case !ours:
				continue
			case len(spans) == sent.Spans:
				c.Whole[sent.Kinds[k].Name]++
			default:
				c.Part[sent.Kinds[k].Name]++
			}
			known = true
		}
		if !known {
			c.Strange++
		}
	}
	return c
}

// Judge says what is wrong with what came: all of what is always kept must be
// whole, and of the others a tenth within four standard deviations: the choice is
// a hash of the trace's id.
func (s *Sent) Judge(c Counts) error {
	var wrong []error
	for _, k := range s.Kinds {
		switch n := float64(k.Traces); {
		case c.Part[k.Name] > 0:
			wrong = append(wrong, fmt.Errorf("%s: %d traces came in part", k.Name, c.Part[k.Name]))
		case k.Always && c.Whole[k.Name] != k.Traces:
			wrong = append(wrong, fmt.Errorf("%s: %d of %d traces came", k.Name, c.Whole[k.Name], k.Traces))
		case !k.Always && math.Abs(float64(c.Whole[k.Name])-n/10) > 4*Sigma(k.Traces):
			wrong = append(wrong, fmt.Errorf("%s: %d of %d traces came, which is no tenth within 4 times %.0f", k.Name, c.Whole[k.Name], k.Traces, Sigma(k.Traces)))
		}
	}
	if c.Strange > 0 || c.Odd > 0 {
		wrong = append(wrong, fmt.Errorf("%d traces came that nobody sent, %d spans without cluster_env", c.Strange, c.Odd))
	}
	return errors.Join(wrong...)
}

// Sigma is the standard deviation of a tenth of n, drawn by a hash.
func Sigma(n int) float64 { return math.Sqrt(float64(n) * 0.1 * 0.9) }
