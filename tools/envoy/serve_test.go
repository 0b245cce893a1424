package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
)

func TestServesWhatItAccepted(t *testing.T) {
	t.Parallel()
	c := judge(good(t))
	if len(c.problems) > 0 {
		t.Fatal(c.problems)
	}
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, c, w) }()
	line := make([]byte, 64)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	var got, want bytes.Buffer
	if err := fetch(t.Context(), strings.TrimSpace(string(line[:n])), &got); err != nil {
		t.Error(err)
	}
	if err := printResources(&want, c.byType()); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := strings.Count(got.String(), "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"); n != 1 {
		t.Errorf("secrets are in the answer %d times: %s", n, got.String())
	}
}

func TestRefusesABrokenSnapshot(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		spoil func(byName)
		want  string
	}{
		{"routes that no listener asks for", func(all byName) {
			all[typePrefix+string(routeKind)] = map[string]proto.Message{"other": &routev3.RouteConfiguration{Name: "other"}}
		}, "not consistent"},
		{"no endpoints", func(all byName) { delete(all, typePrefix+string(endpointKind)) }, "not consistent"},
		{"a type that xDS has not", func(all byName) {
			all["type.googleapis.com/x"] = map[string]proto.Message{"x": &routev3.Route{}}
		}, "unknown resource type"},
	}
	for _, c := range cases {
		all := judge(good(t)).byType()
		c.spoil(all)
		if _, err := snapshot(all); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.name, c.want, err)
		}
	}
}
