package collector

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
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

const maxRequest = 64 << 20

// Server takes OTLP in protobuf, over gRPC and over HTTP, and hands each message to
// a function. What that takes is acknowledged.
type Server struct {
	Take func(message []byte, wire int) error // wire: bytes as they came

	http *http.Server
	done chan error
}

// Serve lets the server be reached from now on, until Close.
func (s *Server) Serve(l net.Listener) {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = &http.Server{Handler: s, Protocols: &protocols, ReadHeaderTimeout: 10 * time.Second}
	s.done = make(chan error, 1)
	go func() { s.done <- s.http.Serve(l) }() // Close waits for it
}

// Listen serves on an address of loopback.
func (s *Server) Listen(ctx context.Context, addr string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("the sink: %w", err)
	}
	s.Serve(l)
	return nil
}

// Close ends it and waits.
func (s *Server) Close() error {
	if s.http == nil {
		return nil
	}
	err := s.http.Close()
	if end := <-s.done; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	s.http = nil
	return err
}

// ServeHTTP is gRPC's unary call, or OTLP's over HTTP, as far as an exporter needs
// it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	message, wire, err := body(r)
	if err == nil {
		err = s.Take(message, wire)
	}
	if !grpc(r) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest) // it is not sent again
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	if err != nil {
		w.Header().Set("Grpc-Status", "3") // invalid argument: it is not sent again
		w.Header().Set("Grpc-Message", err.Error())
		return
	}
	_, _ = w.Write(make([]byte, 5)) // an empty message; a client that is gone asks again
	w.Header().Set("Grpc-Status", "0")
}

func grpc(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/v1/") }

// body is the message of a request and the bytes that it took on the wire.
func body(r *http.Request) (message []byte, wire int, err error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return nil, 0, err
	}
	wire, zipped := len(text), r.Header.Get("Content-Encoding") == "gzip"
	if grpc(r) {
		if len(text) < 5 || int(binary.BigEndian.Uint32(text[1:5])) != len(text)-5 {
			return nil, 0, errors.New("the message has another length than it says")
		}
		zipped, text = text[0] == 1, text[5:]
	}
	if !zipped {
		return text, wire, nil
	}
	zip, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, 0, err
	}
	message, err = io.ReadAll(io.LimitReader(zip, maxRequest))
	return message, wire, err
}

// Each calls do for every field of a message that has a number and is made of
// bytes.
func Each(message []byte, number protowire.Number, do func([]byte) error) error {
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
