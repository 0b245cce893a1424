package logs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

const maxRequest = 64 << 20

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

	server *http.Server
	done   chan error
}

// NewSink makes one that does not listen yet. Every record's resource must have
// the keys.
func NewSink(ctx context.Context, f Files, keys ...string) (*Sink, error) {
	addr, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &Sink{addr: addr, wants: keys, without: map[string]int{}}
	for range f.Count {
		s.seen = append(s.seen, make([]uint16, f.Lines))
	}
	return s, nil
}

// Addr is where it listens, host and port.
func (s *Sink) Addr() string { return s.addr }

// Listen lets the sink be reached from now on, until Close.
func (s *Sink) Listen(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("the sink: %w", err)
	}
	var plain http.Protocols
	plain.SetUnencryptedHTTP2(true)
	s.server = &http.Server{Handler: s, Protocols: &plain, ReadHeaderTimeout: 10 * time.Second}
	s.done = make(chan error, 1)
	go func() { s.done <- s.server.Serve(l) }() // Close waits for it
	return nil
}

// Close ends it and waits.
func (s *Sink) Close() error {
	if s.server == nil {
		return nil
	}
	err := s.server.Close()
	if end := <-s.done; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	s.server = nil
	return err
}

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

// ServeHTTP is gRPC's unary call as far as an exporter needs it.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	if err := s.take(r); err != nil {
		w.Header().Set("Grpc-Status", "3") // invalid argument: it is not sent again
		w.Header().Set("Grpc-Message", err.Error())
		return
	}
	_, _ = w.Write(make([]byte, 5)) // an empty message; a client that is gone asks again
	w.Header().Set("Grpc-Status", "0")
}

func (s *Sink) take(r *http.Request) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return err
	}
	if len(text) < 5 || int(binary.BigEndian.Uint32(text[1:5])) != len(text)-5 {
		return errors.New("the message has another length than it says")
	}
	message := text[5:]
	if text[0] == 1 {
		zip, err := gzip.NewReader(bytes.NewReader(message))
		if err != nil {
			return err
		}
		if message, err = io.ReadAll(io.LimitReader(zip, maxRequest)); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	return each(message, 1, s.resource) // resource_logs
}

func (s *Sink) resource(logs []byte) error {
	has := map[string]bool{}
	err := each(logs, 1, func(resource []byte) error {
		return each(resource, 1, func(attribute []byte) error {
			return each(attribute, 1, func(key []byte) error { has[string(key)] = true; return nil })
		})
	})
	if err != nil {
		return err
	}
	return each(logs, 2, func(scope []byte) error {
		return each(scope, 2, func(record []byte) error {
			for _, key := range s.wants {
				if !has[key] {
					s.without[key]++
				}
			}
			return each(record, 5, func(body []byte) error { return each(body, 1, s.line) })
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

// each calls do for every field of a message that has a number and is made of
// bytes.
func each(message []byte, number protowire.Number, do func([]byte) error) error {
	for len(message) > 0 {
		n, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return protowire.ParseError(size)
		}
		message = message[size:]
		if n == number && kind == protowire.BytesType {
			value, size := protowire.ConsumeBytes(message)
			if size < 0 {
				return protowire.ParseError(size)
			}
			if err := do(value); err != nil {
				return err
			}
			message = message[size:]
			continue
		}
		if size = protowire.ConsumeFieldValue(n, kind, message); size < 0 {
			return protowire.ParseError(size)
		}
		message = message[size:]
	}
	return nil
}

// freeAddress is a port of loopback that nobody has yet.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }() // it held the port only to learn it
	return l.Addr().String(), nil
}
