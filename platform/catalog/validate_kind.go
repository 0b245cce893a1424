package catalog

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// KindFolder is where nodes of provider kind keep what the provider gives them.
const KindFolder = "/etc/dualtrack"

// kind holds what a cluster declares for provider kind against what can be had.
// Whether a path is there is for the machine to say that starts the cluster.
func (l *loader) kind(c *Cluster) {
	k := c.Spec.Kind
	l.portMappings(c)
	registries := make([]string, len(k.Mirrors))
	for i, m := range k.Mirrors {
		registries[i] = m.Registry
		for j, endpoint := range m.Endpoints {
			u, err := url.Parse(endpoint)
			if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.ContainsAny(endpoint, "\"'\\\n") {
				l.fail(c, fmt.Sprintf("spec.kind.mirrors[%d].endpoints[%d]", i, j), fmt.Sprintf("%q is no URL of a registry", endpoint),
					"write it like http://127.0.0.1:5000")
			}
		}
	}
	l.once(c, "spec.kind.mirrors", registries)
	seen := make([]string, len(k.ExtraMounts))
	for i, m := range k.ExtraMounts {
		field := fmt.Sprintf("spec.kind.extraMounts[%d]", i)
		seen[i] = m.ContainerPath
		for _, p := range []struct{ name, path string }{{"hostPath", m.HostPath}, {"containerPath", m.ContainerPath}} {
			if !path.IsAbs(p.path) || path.Clean(p.path) != p.path || strings.ContainsAny(p.path, ":,") {
				l.fail(c, field+"."+p.name, fmt.Sprintf("%q is no clean absolute path", p.path), "begin it with /, and leave out . and .. and : and ,")
			}
		}
		if m.ContainerPath == KindFolder || strings.HasPrefix(m.ContainerPath, KindFolder+"/") {
			l.fail(c, field+".containerPath", "is the provider's own folder", "choose another path")
		}
	}
	l.once(c, "spec.kind.extraMounts", seen)
}

func (l *loader) portMappings(c *Cluster) {
	mappings := c.Spec.Kind.PortMappings
	seen := make([]string, len(mappings))
	for i, m := range mappings {
		seen[i] = fmt.Sprintf("%s:%d/%s", m.Address, m.HostPort, m.Protocol)
		if _, err := netip.ParseAddr(m.Address); err != nil {
			l.fail(c, fmt.Sprintf("spec.kind.portMappings[%d].address", i), fmt.Sprintf("%q is no address", m.Address), "write an IP address of this machine, or leave it out")
		}
	}
	l.once(c, "spec.kind.portMappings", seen)
}
