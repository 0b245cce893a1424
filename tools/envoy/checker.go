package main

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
)

// kind is what a file of resources is asked for, by the message's full name.
type kind string

// Kinds of resources that files may hold.
const (
	listenerKind kind = "envoy.config.listener.v3.Listener"
	clusterKind  kind = "envoy.config.cluster.v3.Cluster"
	routeKind    kind = "envoy.config.route.v3.RouteConfiguration"
	endpointKind kind = "envoy.config.endpoint.v3.ClusterLoadAssignment"
	secretKind   kind = "envoy.extensions.transport_sockets.tls.v3.Secret"
	runtimeKind  kind = "envoy.service.runtime.v3.Runtime"
)

// place is where something stands.
type place struct {
	doc  *document
	path string
}

// resource is one resource by its own name.
type resource struct {
	place
	name    string
	message proto.Message
	file    string // the file it came from through xDS; "" if it is static
}

// source is a file that is asked for resources of one kind.
type source struct {
	kind kind
	file string
}

// checker judges one subject and keeps what it accepted.
type checker struct {
	subject  subject
	problems []problem
	doc      *document // the file that is walked now
	from     string    // its path, while it is a file of resources

	resources map[kind][]resource
	sources   []source // files of resources, in the order they are named
	later     []func() // what can be judged only when all has been read
	typed     int      // messages that stood in an Any

	localCluster string           // of the bootstrap, for zone-aware routing
	own          *corev3.Locality // where this Envoy runs
}

// judge reads a subject and all files that its bootstrap names.
func judge(s subject) *checker {
	c := &checker{subject: s, problems: []problem{}, resources: map[kind][]resource{}}
	c.bootstrap()
	for i := 0; i < len(c.sources); i++ { // grows as files name others
		c.resourceFile(c.sources[i])
	}
	if len(c.problems) == 0 {
		// What is not read can't be referred to: faults of the second order help nobody.
		c.references()
	}
	slices.SortStableFunc(c.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	c.problems = slices.Compact(c.problems)
	return c
}

func (c *checker) refuse(at place, format string, args ...any) {
	p := problem{Path: at.path, Message: fmt.Sprintf(format, args...)}
	if at.doc != nil {
		p.File, p.Line = at.doc.file, at.doc.lineOf(at.path)
	}
	c.problems = append(c.problems, p)
}

// load reads a file as a message. It has said why where it answers nil.
func (c *checker) load(file string, m proto.Message) *document {
	text, ok := c.subject.Files[file]
	if !ok {
		c.problems = append(c.problems, problem{File: file, Message: "there is no such file in the container"})
		return nil
	}
	doc, err := parse(file, text)
	if err == nil {
		err = doc.into(m)
	}
	if err == nil {
		return doc
	}
	p := problem{File: file, Message: err.Error()}
	if at, ok := errors.AsType[*lineError](err); ok {
		p.Line = at.line
	}
	c.problems = append(c.problems, p)
	return nil
}

func (c *checker) bootstrap() {
	file, ok := flagValue(c.subject.Args, "-c", "--config-path")
	if !ok {
		c.problems = append(c.problems, problem{Message: "the arguments name no bootstrap; give --config-path"})
		return
	}
	if _, inline := flagValue(c.subject.Args, "--config-yaml"); inline {
		c.problems = append(c.problems, problem{Message: "--config-yaml is merged over the file and can't be judged; keep all in the file"})
	}
	b := &bootstrapv3.Bootstrap{}
	if c.doc = c.load(file, b); c.doc == nil {
		return
	}
	static := b.GetStaticResources()
	for i, l := range static.GetListeners() {
		c.define(listenerKind, l.GetName(), fmt.Sprintf("static_resources.listeners[%d]", i), l)
	}
	for i, l := range static.GetClusters() {
		c.define(clusterKind, l.GetName(), fmt.Sprintf("static_resources.clusters[%d]", i), l)
	}
	for i, l := range static.GetSecrets() {
		c.define(secretKind, l.GetName(), fmt.Sprintf("static_resources.secrets[%d]", i), l)
	}
	c.localCluster, c.own = b.GetClusterManager().GetLocalClusterName(), c.ownLocality(b)
	if a := b.GetAdmin().GetAddress(); a != nil && !loopback(a) {
		c.refuse(place{c.doc, "admin.address"}, "the administration port must be on loopback or a pipe: whoever reaches it can stop Envoy")
	}
	c.validate("", b)
	c.walk("", b.ProtoReflect())
	c.node(b)
}

func (c *checker) define(k kind, name, at string, m proto.Message) {
	c.resources[k] = append(c.resources[k], resource{place: place{c.doc, at}, name: name, message: m, file: c.from})
}

// ask notes that a file is asked for resources; a second time is no second read.
func (c *checker) ask(k kind, file string) {
	if s := (source{k, path.Clean(file)}); !slices.Contains(c.sources, s) {
		c.sources = append(c.sources, s)
	}
}

func (c *checker) resourceFile(s source) {
	r := &discoveryv3.DiscoveryResponse{}
	doc := c.load(s.file, r)
	if doc == nil {
		return
	}
	c.doc, c.from = doc, s.file
	defer func() { c.from = "" }()
	c.walk("", r.ProtoReflect())
	for i, a := range r.GetResources() {
		at := fmt.Sprintf("resources[%d]", i)
		if got := string(a.MessageName()); got != string(s.kind) {
			c.refuse(place{doc, at}, "the file is asked for %s, and this is %s", s.kind, got)
			continue
		}
		m, err := a.UnmarshalNew()
		if err != nil {
			continue // the walk has said so
		}
		c.define(s.kind, nameOf(m), at, m)
	}
	if len(r.GetResources()) == 0 {
		c.refuse(place{doc, "resources"}, "the file has no resources")
	}
}

func nameOf(m proto.Message) string {
	switch m := m.(type) {
	case *endpointv3.ClusterLoadAssignment:
		return m.GetClusterName()
	case interface{ GetName() string }:
		return m.GetName()
	}
	return ""
}

// named is the resource of a kind and name: of a file, or static where file is "".
func (c *checker) named(k kind, name, file string) proto.Message {
	for _, r := range c.resources[k] {
		if r.name == name && r.file == file {
			return r.message
		}
	}
	return nil
}

// names are those of a kind, sorted, for messages.
func (c *checker) names(k kind) []string {
	out := []string{}
	for _, r := range c.resources[k] {
		out = append(out, r.name)
	}
	slices.Sort(out)
	return out
}

// accepted says what was read; nothing where anything was refused.
func (c *checker) accepted() []string {
	out := []string{}
	if len(c.problems) > 0 {
		return out
	}
	for _, k := range kinds() {
		if n := len(c.resources[k]); n > 0 {
			out = append(out, count(n, noun(k)))
		}
	}
	return append(out, count(c.typed, "typed extension"))
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func kinds() []kind {
	return []kind{listenerKind, clusterKind, routeKind, endpointKind, secretKind, runtimeKind}
}

func noun(k kind) string {
	switch k {
	case listenerKind:
		return "listener"
	case clusterKind:
		return "cluster"
	case routeKind:
		return "route configuration"
	case endpointKind:
		return "load assignment"
	case secretKind:
		return "secret"
	default:
		return "runtime layer"
	}
}

// flagValue is a flag's value in a command line, as "-c x" or "-c=x".
func flagValue(args []string, names ...string) (string, bool) {
	for i, arg := range args {
		name, value, joined := strings.Cut(arg, "=")
		if !slices.Contains(names, name) {
			continue
		}
		if joined {
			return value, true
		}
		if i+1 < len(args) {
			return args[i+1], true
		}
	}
	return "", false
}

// node holds that Envoy knows its own name, which every xDS subscription asks for.
func (c *checker) node(b *bootstrapv3.Bootstrap) {
	if len(c.sources) == 0 {
		return
	}
	_, id := flagValue(c.subject.Args, "--service-node")
	_, cluster := flagValue(c.subject.Args, "--service-cluster")
	if b.GetNode().GetId() == "" && !id {
		c.refuse(place{c.doc, "node.id"}, "files of resources need the node's id; give it here or by --service-node")
	}
	if b.GetNode().GetCluster() == "" && !cluster {
		c.refuse(place{c.doc, "node.cluster"}, "files of resources need the node's cluster; give it here or by --service-cluster")
	}
}
