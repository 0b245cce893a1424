package logs

import (
	"bytes"
	"context"
	"strconv"
	"sync"
	"time"

	"dualtrack.internal/tests/experiments/collector"
)

// Sink is the gateway as an agent sees it: it takes OTLP log records over gRPC and
// counts the lines of Files in them. What it acknowledges it has counted.
type Sink struct {
	addr string

	mu      sync.Mutex
	seen    [][]uint16 // by file and line
	unique  int
	again   int            // lines that came once more
	strange int            // records that are no line of Files
	without map[string]int // records whose resource lacks a wanted key, by key
	wants   []string
	last    time.Time

	server collector.Server
}

// NewSink makes one that does not listen yet. Every record's resource must have
// the keys.
func NewSink(ctx context.Context, f Files, keys ...string) (*Sink, error) {
	addr, err := collector.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &Sink{addr: addr, wants: keys, without: map[string]int{}}
	s.server.Take = s.take
	for range f.Count {
		s.seen = append(s.seen, make([]uint16, f.Lines))
	}
	return s, nil
}

// Addr is where it listens, host and port.
func (s *Sink) Addr() string { return s.addr }

// Listen lets the sink be reached from now on, until Close.
func (s *Sink) Listen(ctx context.Context) error { return s.server.Listen(ctx, s.addr) }

// Close ends it and waits.
func (s *Sink) Close() error { return s.server.Close() }

// Counts are the lines that came, how many came again, and the records that are
// no lines or lack what is wanted of them.
type Counts struct {
	Lines, Again, Strange int
	Without               map[string]int
	Last                  time.Time
}

// Counts are what came so far.
func (s *Sink) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{Lines: s.unique, Again: s.again, Strange: s.strange, Without: map[string]int{}, Last: s.last}
	for k, n := range s.without {
		c.Without[k] = n
	}
	return c
}

func (s *Sink) take(message []byte, _ int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	return collector.Each(message, 1, s.resource) // resource_logs
}

func (s *Sink) resource(logs []byte) error {
	has := map[string]bool{}
	err := collector.Each(logs, 1, func(resource []byte) error {
		return collector.Each(resource, 1, func(attribute []byte) error {
			return collector.Each(attribute, 1, func(key []byte) error { has[string(key)] = true; return nil })
		})
	})
	if err != nil {
		return err
	}
	return collector.Each(logs, 2, func(scope []byte) error {
		return collector.Each(scope, 2, func(record []byte) error {
			for _, key := range s.wants {
				if !has[key] {
					s.without[key]++
				}
			}
			return collector.Each(record, 5, func(body []byte) error { return collector.Each(body, 1, s.line) })
		})
	})
}

// line counts one line.
func (s *Sink) line(text []byte) error {
	file, line, ok := parseLine(text)
	if !ok || file >= len(s.seen) || line >= len(s.seen[file]) {
		s.strange++
		return nil
	}
	if s.seen[file][line]++; s.seen[file][line] > 1 {
		s.again++
		return nil
	}
	s.unique++
	return nil
}

// parseLine reads "file=N line=N …".
func parseLine(text []byte) (file, line int, ok bool) {
	fields := bytes.SplitN(text, []byte(" "), 3)
	if len(fields) < 3 {
		return 0, 0, false
	}
	number := func(field []byte, name string) int {
		digits, ok := bytes.CutPrefix(field, []byte(name+"="))
		n, err := strconv.Atoi(string(digits))
		if !ok || err != nil {
			return -1
		}
		return n
	}
	file, line = number(fields[0], "file"), number(fields[1], "line")
	return file, line, file >= 0 && line >= 0
}
