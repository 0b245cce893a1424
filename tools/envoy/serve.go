package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	typePrefix = "type.googleapis.com/"
	fetchTime  = 10 * time.Second // of a whole fetch
	stopTime   = 5 * time.Second  // for streams to end before they are cut
	anyNode    = "any"            // every client gets the one snapshot
)

// byName are resources by type URL and name.
type byName map[string]map[string]proto.Message

func (c *checker) byType() byName {
	out := byName{}
	for k, list := range c.resources {
		for _, r := range list {
			url := typePrefix + string(k)
			if out[url] == nil {
				out[url] = map[string]proto.Message{}
			}
			out[url][r.name] = r.message
		}
	}
	return out
}

// printResources prints one JSON document, the same bytes for the same resources.
func printResources(out io.Writer, all byName) error {
	text := map[string]map[string]any{}
	for url, list := range all {
		text[url] = map[string]any{}
		for name, m := range list {
			data, err := protojson.Marshal(m)
			if err != nil {
				return fmt.Errorf("%s %s: %w", url, name, err)
			}
			var v any
			if err := json.Unmarshal(data, &v); err != nil {
				return fmt.Errorf("%s %s: %w", url, name, err)
			}
			text[url][name] = v
		}
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		return fmt.Errorf("printing the resources: %w", err)
	}
	return nil
}

// snapshot makes one consistent state of all resources. Its version is their hash.
func snapshot(all byName) (*cache.Snapshot, error) {
	sum := sha256.New()
	lists := map[string][]types.Resource{}
	for _, k := range kinds() {
		lists[typePrefix+string(k)] = nil // an empty answer; a type without a version gets none
	}
	for _, url := range slices.Sorted(maps.Keys(all)) {
		for _, name := range slices.Sorted(maps.Keys(all[url])) {
			m := all[url][name]
			data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", url, name, err)
			}
			fmt.Fprintf(sum, "%s %s %d\n%s", url, name, len(data), data)
			lists[url] = append(lists[url], m)
		}
	}
	s, err := cache.NewSnapshot(hex.EncodeToString(sum.Sum(nil))[:16], lists)
	if err != nil {
		return nil, fmt.Errorf("making a snapshot: %w", err)
	}
	if err := s.Consistent(); err != nil {
		return nil, fmt.Errorf("the snapshot is not consistent: %w", err)
	}
	return s, nil
}

// oneNode gives every client the same state.
type oneNode struct{}

// ID is the same for all nodes.
func (oneNode) ID(*corev3.Node) string { return anyNode }

// serve offers the resources over ADS on a free port of loopback until ctx ends.
// Its first line of output is the address.
func serve(ctx context.Context, c *checker, out io.Writer) error {
	s, err := snapshot(c.byType())
	if err != nil {
		return err
	}
	states := cache.NewSnapshotCache(true, oneNode{}, nil)
	if err := states.SetSnapshot(ctx, anyNode, s); err != nil {
		return fmt.Errorf("setting the snapshot: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	g := grpc.NewServer()
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(g, server.NewServer(ctx, states, nil))
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(l) }()
	if _, err := fmt.Fprintln(out, l.Addr()); err != nil {
		g.Stop()
		<-ended
		return fmt.Errorf("printing the address: %w", err)
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	cut := time.AfterFunc(stopTime, g.Stop)
	defer cut.Stop()
	g.GracefulStop()
	<-ended
	return nil
}

// fetch asks an ADS server for every type, as Envoy would, acknowledges each
// answer and prints what came.
func fetch(ctx context.Context, address string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	conn, err := grpc.DialContext(ctx, address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithBlock())
	if err != nil {
		return fmt.Errorf("reaching %s: %w", address, err)
	}
	defer conn.Close()
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
	if err != nil {
		return fmt.Errorf("asking %s: %w", address, err)
	}
	all := byName{}
	for _, k := range kinds() {
		list, err := fetchType(stream, typePrefix+string(k))
		if err != nil {
			return err
		}
		if len(list) > 0 {
			all[typePrefix+string(k)] = list
		}
	}
	return printResources(out, all)
}

func fetchType(stream discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesClient, url string) (map[string]proto.Message, error) {
	node := &corev3.Node{Id: "fetch", Cluster: "fetch"}
	if err := stream.Send(&discoveryv3.DiscoveryRequest{Node: node, TypeUrl: url}); err != nil {
		return nil, fmt.Errorf("asking for %s: %w", url, err)
	}
	answer, err := stream.Recv()
	if err != nil {
		return nil, fmt.Errorf("waiting for %s: %w", url, err)
	}
	if answer.GetTypeUrl() != url {
		return nil, fmt.Errorf("asked for %s, got %s", url, answer.GetTypeUrl())
	}
	out := map[string]proto.Message{}
	for _, a := range answer.GetResources() {
		m, err := a.UnmarshalNew()
		if err != nil {
			return nil, fmt.Errorf("reading a %s: %w", url, err)
		}
		out[nameOf(m)] = m
	}
	ack := &discoveryv3.DiscoveryRequest{Node: node, TypeUrl: url, VersionInfo: answer.GetVersionInfo(), ResponseNonce: answer.GetNonce()}
	if err := stream.Send(ack); err != nil {
		return nil, fmt.Errorf("acknowledging %s: %w", url, err)
	}
	return out, nil
}
