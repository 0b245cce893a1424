package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// maxConfig is the largest file that is read.
const maxConfig = 1 << 20

// config is what the balancer takes from kind's files.
type config struct {
	listen   string   // "" while kind has not written it
	backends []string // host:port, sorted
}

// socketAddress is how Envoy's configuration writes an address.
type socketAddress struct {
	SocketAddress struct {
		Address string `yaml:"address"`
		Port    int    `yaml:"port_value"`
	} `yaml:"socket_address"`
}

func (a socketAddress) String() string {
	return net.JoinHostPort(a.SocketAddress.Address, strconv.Itoa(a.SocketAddress.Port))
}

func (a socketAddress) check() error {
	if a.SocketAddress.Address == "" || a.SocketAddress.Port < 1 || a.SocketAddress.Port > 65535 {
		return fmt.Errorf("%q is no address with a port", a)
	}
	return nil
}

// readConfig reads lds.yaml and cds.yaml of a folder; a file that is not there
// yet says nothing.
func readConfig(dir string) (config, error) {
	var texts [2][]byte
	for i, name := range []string{"lds.yaml", "cds.yaml"} {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return config{}, err
		}
		if info.Size() > maxConfig {
			return config{}, fmt.Errorf("%s is longer than %d bytes", path, maxConfig)
		}
		if texts[i], err = os.ReadFile(path); err != nil {
			return config{}, err
		}
	}
	return parseConfig(texts[0], texts[1])
}

// parseConfig reads the first listener and all endpoints.
func parseConfig(listeners, clusters []byte) (config, error) {
	var l struct {
		Resources []struct {
			Address socketAddress `yaml:"address"`
		} `yaml:"resources"`
	}
	if err := yaml.Unmarshal(listeners, &l); err != nil {
		return config{}, fmt.Errorf("listeners: %w", err)
	}
	var c struct {
		Resources []struct {
			Assignment struct {
				Endpoints []struct {
					Each []struct {
						Endpoint struct {
							Address socketAddress `yaml:"address"`
						} `yaml:"endpoint"`
					} `yaml:"lb_endpoints"`
				} `yaml:"endpoints"`
			} `yaml:"load_assignment"`
		} `yaml:"resources"`
	}
	if err := yaml.Unmarshal(clusters, &c); err != nil {
		return config{}, fmt.Errorf("clusters: %w", err)
	}
	var out config
	if len(l.Resources) > 0 {
		a := l.Resources[0].Address
		if err := a.check(); err != nil {
			return config{}, fmt.Errorf("listener: %w", err)
		}
		out.listen = a.String()
	}
	for _, r := range c.Resources {
		for _, group := range r.Assignment.Endpoints {
			for _, e := range group.Each {
				if err := e.Endpoint.Address.check(); err != nil {
					return config{}, fmt.Errorf("endpoint: %w", err)
				}
				out.backends = append(out.backends, e.Endpoint.Address.String())
			}
		}
	}
	slices.Sort(out.backends)
	out.backends = slices.Compact(out.backends)
	return out, nil
}
