package jaeger

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of bytes of a protobuf message.
func field(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

// Export sends the spans of one trace as a gateway does, by gRPC's unary call.
func Export(ctx context.Context, address string, id []byte, names []string) error {
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		"http://"+address+"/opentelemetry.proto.collector.trace.v1.TraceService/Export", bytes.NewReader(append(body, message...)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	answer, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if status := answer.Trailer.Get("Grpc-Status"); status != "0" {
		return fmt.Errorf("export to %s: status %q %s", address, status, answer.Trailer.Get("Grpc-Message"))
	}
	return nil
}

// Names are the names of a trace's spans in a query's answer, sorted.
func Names(answer []byte, id []byte) ([]string, error) {
	var found struct {
		Data []struct {
			TraceID string
			Spans   []struct{ OperationName string }
		}
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return nil, fmt.Errorf("%w in %s", err, answer)
	}
	var names []string
	for _, trace := range found.Data {
		if trace.TraceID != hex.EncodeToString(id) {
			return nil, fmt.Errorf("asked for %x and was given %s", id, trace.TraceID)
		}
		for _, s := range trace.Spans {
			names = append(names, s.OperationName)
		}
	}
	slices.Sort(names)
	return names, nil
}
