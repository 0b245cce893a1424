//go:build real

package jaeger_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"dualtrack.internal/tests/real/jaeger"
)

// TestSpansAreFound sends a trace of three spans as a gateway does, asks for it by
// its id, kills Jaeger and asks again: its store is on the disk.
func TestSpansAreFound(t *testing.T) {
	j := jaeger.Place(t)
	kill := j.Start(t)
	id := []byte("0123456789abcdef")
	want := []string{"charge", "reserve", "submit"}
	export(t, j, id, want)
	if got := find(t, j, id, len(want)); !slices.Equal(got, want) {
		t.Errorf("found spans %v, sent %v", got, want)
	}
	if got := ask(t, j, []byte("fedcba9876543210")); len(got) > 0 {
		t.Errorf("a trace that nobody sent has spans %v", got)
	}
	kill()
	j.Start(t)
	if got := find(t, j, id, len(want)); !slices.Equal(got, want) {
		t.Errorf("after a kill: found spans %v, sent %v", got, want)
	}
}

// field is one field of bytes of a protobuf message.
func field(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

// export is gRPC's unary call with the spans of one trace.
func export(t *testing.T, j *jaeger.Jaeger, id []byte, names []string) {
	t.Helper()
	now := uint64(time.Now().UnixNano())
	var spans []byte
	for i, name := range names {
		span := slices.Concat(field(1, id), field(2, binary.BigEndian.AppendUint64(nil, uint64(i+1))), field(5, []byte(name)))
		span = protowire.AppendFixed64(protowire.AppendTag(span, 7, protowire.Fixed64Type), now)
		span = protowire.AppendFixed64(protowire.AppendTag(span, 8, protowire.Fixed64Type), now+uint64(time.Millisecond))
		spans = append(spans, field(2, span)...)
	}
	resource := field(1, slices.Concat(field(1, []byte("service.name")), field(2, field(1, []byte("orders")))))
	message := field(1, slices.Concat(field(1, resource), field(2, spans)))
	body := append([]byte{0}, binary.BigEndian.AppendUint32(nil, uint32(len(message)))...)
	var plain http.Protocols
	plain.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &plain}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+j.OTLP+"/opentelemetry.proto.collector.trace.v1.TraceService/Export", bytes.NewReader(append(body, message...)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	answer, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	if status := answer.Trailer.Get("Grpc-Status"); status != "0" {
		t.Fatalf("Jaeger does not take spans: %q %s", status, answer.Trailer.Get("Grpc-Message"))
	}
}

// ask gives the names of a trace's spans.
func ask(t *testing.T, j *jaeger.Jaeger, id []byte) []string {
	t.Helper()
	answer, err := http.Get(fmt.Sprintf("http://%s/api/traces/%s", j.Query, hex.EncodeToString(id)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var found struct {
		Data []struct {
			TraceID string
			Spans   []struct{ OperationName string }
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&found); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, trace := range found.Data {
		if trace.TraceID != hex.EncodeToString(id) {
			t.Errorf("asked for %x and was given %s", id, trace.TraceID)
		}
		for _, s := range trace.Spans {
			names = append(names, s.OperationName)
		}
	}
	slices.Sort(names)
	return names
}

// find asks until as many spans are there: they are written after they are taken.
func find(t *testing.T, j *jaeger.Jaeger, id []byte, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if got := ask(t, j, id); len(got) >= n || time.Now().After(deadline) {
			return got
		}
	}
}
