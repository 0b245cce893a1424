package sampling

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"dualtrack.internal/tests/experiments/collector"
)

// Kind is a kind of traces and how many of them are sent.
type Kind struct {
	Name, Route string
	Error       bool
	Took        time.Duration
	Traces      int
	Always      bool // all of them must be kept; of others a tenth is
}

// Kinds are kinds of traces, n together. The route of the rest begins like the one
// that is always kept.
func Kinds(n int) []Kind {
	return []Kind{
		{Name: "order", Route: "/order/submit", Traces: n / 50, Always: true},
		{Name: "error", Route: "/stock", Error: true, Traces: n / 100, Always: true},
		{Name: "slow", Route: "/stock", Took: 3 * time.Second, Traces: n / 100, Always: true},
		{Name: "rest", Route: "/order/submitted", Traces: n - n/50 - 2*(n/100)},
	}
}

// id is a trace's id.
type id [16]byte

// Sent are the traces that a collector took, by kind.
type Sent struct {
	Kinds []Kind
	Spans int // of each trace
	kind  map[id]int
}

// Half are those whose id ends in one of the lower eight digits, or of the upper.
func (s *Sent) Half(upper bool) *Sent {
	half := &Sent{Kinds: slices.Clone(s.Kinds), Spans: s.Spans, kind: map[id]int{}}
	for i := range half.Kinds {
		half.Kinds[i].Traces = 0
	}
	for trace, k := range s.kind {
		if (trace[15]&0xf >= 8) == upper {
			half.kind[trace] = k
			half.Kinds[k].Traces++
		}
	}
	return half
}

// Sender sends traces, mixed, and counts those that were taken.
type Sender struct {
	To        []string // host:port of collectors that take OTLP over HTTP; a trace's spans go to one after the other
	Kinds     []Kind
	Spans     int // of each trace; only the first has the route, the status and the time
	PerSecond int // traces
	Seed      uint64
	Patient   bool          // what is not taken is sent again until it is
	RootsLate time.Duration // so long after the last of the others come the spans with the route
}

const batch = 250

// Send sends all traces at about the rate.
func (s Sender) Send(ctx context.Context) (*Sent, error) {
	random := rand.New(rand.NewPCG(s.Seed, 0)) //nolint:gosec // ids that can be repeated
	sent := &Sent{Kinds: s.Kinds, Spans: s.Spans, kind: map[id]int{}}
	var order []int
	for k, kind := range s.Kinds {
		for range kind.Traces {
			order = append(order, k)
		}
	}
	random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var late [][]byte
	tick := time.NewTicker(time.Second * batch / time.Duration(s.PerSecond))
	defer tick.Stop()
	for len(order) > 0 {
		n := min(batch, len(order))
		messages, roots := make([][]byte, len(s.To)), []byte(nil)
		for _, k := range order[:n] {
			var trace id
			binary.BigEndian.PutUint64(trace[:], random.Uint64())
			binary.BigEndian.PutUint64(trace[8:], random.Uint64())
			sent.kind[trace] = k
			for i := range s.Spans {
				to := &messages[i%len(s.To)]
				if i == 0 && s.RootsLate > 0 {
					to = &roots
				}
				*to = append(*to, field(2, span(trace, random.Uint64()|1, s.Kinds[k], i == 0))...)
			}
		}
		for i, spans := range messages {
			if err := s.post(ctx, s.To[i], field(1, field(2, spans))); err != nil {
				return nil, err
			}
		}
		order, late = order[n:], append(late, roots)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
	return sent, s.sendLate(ctx, late)
}

// sendLate sends the roots that were held back.
func (s Sender) sendLate(ctx context.Context, roots [][]byte) error {
	if s.RootsLate == 0 {
		return nil
	}
	if err := collector.Pause(ctx, s.RootsLate); err != nil {
		return err
	}
	for _, spans := range roots {
		if err := s.post(ctx, s.To[0], field(1, field(2, spans))); err != nil {
			return err
		}
	}
	return nil
}

// span is one span as OTLP writes it.
func span(trace id, number uint64, k Kind, root bool) []byte {
	now := time.Now()
	took := 5 * time.Millisecond
	var more []byte
	if root {
		took = max(took, k.Took)
		more = field(9, append(field(1, []byte("http.route")), field(2, field(1, []byte(k.Route)))...))
		if k.Error {
			more = append(more, field(15, protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), 2))...)
		}
	}
	out := append(field(1, trace[:]), field(2, binary.BigEndian.AppendUint64(nil, number))...)
	out = append(out, field(5, []byte("request"))...)
	out = protowire.AppendVarint(protowire.AppendTag(out, 6, protowire.VarintType), 2)
	out = protowire.AppendFixed64(protowire.AppendTag(out, 7, protowire.Fixed64Type), uint64(now.Add(-took).UnixNano())) //nolint:gosec // after 1970
	out = protowire.AppendFixed64(protowire.AppendTag(out, 8, protowire.Fixed64Type), uint64(now.UnixNano()))            //nolint:gosec // after 1970
	return append(out, more...)
}

func field(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

// post sends one message, which must be taken.
func (s Sender) post(ctx context.Context, to string, message []byte) error {
	for {
		err := post(ctx, to, message)
		if err == nil || !s.Patient {
			return err
		}
		if cause := collector.Pause(ctx, 100*time.Millisecond); cause != nil {
			return errors.Join(cause, err)
		}
	}
}

func post(ctx context.Context, to string, message []byte) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+to+"/v1/traces", bytes.NewReader(message))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the collector does not take spans: %s: %.300q", answer.Status, text)
	}
	return err
}
