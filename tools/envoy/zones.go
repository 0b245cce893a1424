package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
)

// ownLocality is where the bootstrap and the command line say that Envoy runs.
func (c *checker) ownLocality(b *bootstrapv3.Bootstrap) *corev3.Locality {
	own := &corev3.Locality{Region: b.GetNode().GetLocality().GetRegion(), Zone: b.GetNode().GetLocality().GetZone(), SubZone: b.GetNode().GetLocality().GetSubZone()}
	if zone, ok := flagValue(c.subject.Args, "--service-zone"); ok {
		own.Zone = zone
	}
	return own
}

// zoneAware holds what zone-aware routing needs and Envoy does not miss aloud: an
// own zone, a static cluster of its own kind, and the same localities in both, of
// which the own is one in every word. Without any of it Envoy spreads evenly.
func (c *checker) zoneAware(at place, cl *clusterv3.Cluster) {
	zones := at.in("common_lb_config.zone_aware_lb_config")
	c.later = append(c.later, func() {
		if c.own.GetZone() == "" {
			c.refuse(zones, "zone-aware routing needs the node's own zone; give node.locality.zone or --service-zone")
		}
		local, ok := c.named(clusterKind, c.localCluster, "").(*clusterv3.Cluster)
		switch {
		case c.localCluster == "":
			c.refuse(zones, "zone-aware routing needs cluster_manager.local_cluster_name")
			return
		case !ok:
			c.refuse(zones, "the local cluster %q is no static cluster of the bootstrap", c.localCluster)
			return
		}
		theirs, ours := c.localities(cl), c.localities(local)
		if own := localityName(c.own); !slices.Contains(theirs, own) {
			c.refuse(zones, "the node's locality %s is none of the cluster's: %s", own, strings.Join(theirs, ", "))
		}
		if !slices.Equal(theirs, ours) {
			c.refuse(zones, "the cluster's localities are %s, and those of the local cluster %q %s; zones count only where they are the same",
				strings.Join(theirs, ", "), c.localCluster, strings.Join(ours, ", "))
		}
	})
}

// localities are those of a cluster's first priority, sorted. Zones count in no other.
func (c *checker) localities(cl *clusterv3.Cluster) []string {
	assignment := cl.GetLoadAssignment()
	if cl.GetType() == clusterv3.Cluster_EDS {
		name := cl.GetEdsClusterConfig().GetServiceName()
		if name == "" {
			name = cl.GetName()
		}
		file := cl.GetEdsClusterConfig().GetEdsConfig().GetPathConfigSource().GetPath()
		assignment, _ = c.named(endpointKind, name, file).(*endpointv3.ClusterLoadAssignment)
	}
	seen := map[string]bool{}
	for _, e := range assignment.GetEndpoints() {
		if e.GetPriority() == 0 {
			seen[localityName(e.GetLocality())] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func localityName(l *corev3.Locality) string {
	name := fmt.Sprintf("%s/%s", l.GetRegion(), l.GetZone())
	if l.GetSubZone() != "" {
		name += "/" + l.GetSubZone()
	}
	return name
}
