package etcdbench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"dualtrack.internal/platform/experiment"
)

// FsyncPoint is how many puts share one fsync of the write-ahead log.
type FsyncPoint struct {
	Clients int     `json:"clients"`
	Puts    int     `json:"puts"`
	Fsyncs  float64 `json:"fsyncs"`
	Ratio   float64 `json:"putsPerFsync"`
}

// Fsyncs counts, on one member started anew each time, puts per fsync.
func (b Bench) Fsyncs(ctx context.Context, clients []int, progress func(string)) (FsyncCounts, error) {
	var out FsyncCounts
	for _, n := range clients {
		progress(fmt.Sprintf("%d clients", n))
		p, err := b.fsyncs(ctx, n)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (b Bench) fsyncs(ctx context.Context, clients int) (p FsyncPoint, err error) {
	dir, err := os.MkdirTemp(b.Dir, "etcdbench-")
	if err != nil {
		return p, fmt.Errorf("make room for the member's data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := Start(ctx, Setting{Binary: b.Etcd}, 1, dir)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	before, err := c.Usage(ctx, false)
	if err != nil {
		return p, err
	}
	count := min(b.Count, clients*500)
	if _, err = Load(ctx, b.Ops, c.Endpoints, "puts", clients, count, b.Size, false); err != nil {
		return p, err
	}
	after, err := c.Usage(ctx, false)
	if err != nil {
		return p, err
	}
	fsyncs := after.Fsyncs - before.Fsyncs
	return FsyncPoint{Clients: clients, Puts: count, Fsyncs: fsyncs, Ratio: float64(count) / max(fsyncs, 1)}, nil
}

// FsyncCounts are the points of one session.
type FsyncCounts []FsyncPoint

// Text writes the points for people.
func (c FsyncCounts) Text(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("puts per fsync of the write-ahead log, counted by etcd\n\n  clients    puts  fsyncs  puts per fsync\n")
	for _, p := range c {
		fmt.Fprintf(&b, "  %7d %7d %7.0f  %14s\n", p.Clients, p.Puts, p.Fsyncs, experiment.Number(p.Ratio))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// JSON writes the points as one document.
func (c FsyncCounts) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(c) }
