package kind

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	kindcluster "sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/log"

	"dualtrack.internal/platform/cluster"
)

const (
	askTime  = 20 * time.Second // bounds a question to the engine
	workTime = 2 * time.Minute  // bounds what an engine does to containers
	endTime  = 5 * time.Second  // an ended client has to close its pipes
)

// Labels and names that kind gives to what it makes.
const (
	clusterLabel = "io.x-k8s.kind.cluster"
	networkName  = "kind"
)

// engine is the client of an engine of containers.
type engine struct{ name string }

// detect finds the engine that kind would choose, and that answers.
func detect(ctx context.Context) (engine, error) {
	lack := &NoEngineError{}
	for _, try := range [][]string{
		{"docker", "version", "--format", "{{.Server.Version}}"},
		{"nerdctl", "info"},
		{"podman", "info"},
	} {
		e := engine{name: try[0]}
		_, err := e.run(ctx, askTime, try[1:]...)
		if err == nil {
			return e, nil
		}
		if ctx.Err() != nil {
			return engine{}, context.Cause(ctx)
		}
		if errors.Is(err, exec.ErrNotFound) {
			err = errors.New("not in PATH")
		}
		lack.Tried = append(lack.Tried, try[0]+": "+oneLine(err.Error()))
	}
	return engine{}, lack
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// provider is kind's own, on this engine.
func (e engine) provider(logger log.Logger) *kindcluster.Provider {
	option := kindcluster.ProviderWithDocker()
	switch e.name {
	case "nerdctl":
		option = kindcluster.ProviderWithNerdctl("nerdctl")
	case "podman":
		option = kindcluster.ProviderWithPodman()
	}
	return kindcluster.NewProvider(kindcluster.ProviderWithLogger(logger), option)
}

// run runs the engine's client and returns what it prints.
func (e engine) run(ctx context.Context, limit time.Duration, args ...string) ([]byte, error) {
	return e.runWith(ctx, limit, nil, args...)
}

func (e engine) runWith(ctx context.Context, limit time.Duration, stdin *os.File, args ...string) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(limited, e.name, args...)
	cmd.WaitDelay = endTime
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if stdin != nil {
		cmd.Stdin = stdin
	}
	err := cmd.Run()
	if err == nil {
		return out.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if limited.Err() != nil {
		err = fmt.Errorf("no answer within %s: %w", limit, err)
	}
	return nil, fmt.Errorf("%s %s: %w: %s", e.name, args[0], err, bytes.TrimSpace(said.Bytes()))
}

// holds says that the engine has an image.
func (e engine) holds(ctx context.Context, image string) (bool, error) {
	_, err := e.run(ctx, askTime, "image", "inspect", "--format", "{{.Id}}", image)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	return err == nil, nil
}

// container is a node, or the balancer before several control planes.
type container struct {
	Name  string
	State struct {
		Status    string
		Pid       int
		StartedAt time.Time
	}
	Mounts []struct {
		Source, Destination string
	}
	NetworkSettings struct {
		Networks map[string]struct{ IPAddress string }
	}
}

func (c container) address() string { return c.NetworkSettings.Networks[networkName].IPAddress }
func (c container) runs() bool      { return c.State.Status == "running" }

// containers lists those of a cluster of kind, sorted by name.
func (e engine) containers(ctx context.Context, kindName string) ([]container, error) {
	out, err := e.run(ctx, askTime, "ps", "-a", "--filter", "label="+clusterLabel+"="+kindName, "--format", "{{.Names}}")
	if err != nil {
		return nil, err
	}
	names := strings.Fields(string(out))
	if len(names) == 0 {
		return nil, nil
	}
	out, err = e.run(ctx, askTime, append([]string{"inspect"}, names...)...)
	if err != nil {
		return nil, err
	}
	found, err := parseContainers(out)
	if err != nil {
		return nil, fmt.Errorf("%s inspect: %w", e.name, err)
	}
	return found, nil
}

func parseContainers(text []byte) ([]container, error) {
	var found []container
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Name = strings.TrimPrefix(found[i].Name, "/")
	}
	slices.SortFunc(found, func(a, b container) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// nodes lists the containers of our cluster. Errors: *ForeignError when the name
// is another's, for two state folders may have clusters of one name.
func (e engine) nodes(ctx context.Context, l layout, kindName string) ([]container, error) {
	found, err := e.containers(ctx, kindName)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", l.name, err)
	}
	for _, c := range found {
		if strings.HasSuffix(c.Name, "-external-load-balancer") {
			continue // it has no folder of ours
		}
		source := "it has no folder of ours"
		for _, m := range c.Mounts {
			if m.Destination == confFolder {
				source = m.Source
			}
		}
		if source != l.path("conf") {
			return nil, &ForeignError{Cluster: l.name, Container: c.Name, Source: source}
		}
	}
	return found, nil
}

func names(all []container) []string {
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = c.Name
	}
	return out
}

func (e engine) stop(ctx context.Context, all []container, grace time.Duration) error {
	all = slices.DeleteFunc(slices.Clone(all), func(c container) bool {
		return c.State.Status == "exited" || c.State.Status == "created"
	})
	if len(all) == 0 {
		return nil
	}
	args := append([]string{"stop", "-t", strconv.Itoa(int(grace.Seconds()))}, names(all)...)
	_, err := e.run(ctx, workTime+grace, args...)
	return err
}

func (e engine) remove(ctx context.Context, all []container) error {
	if len(all) == 0 {
		return nil
	}
	_, err := e.run(ctx, workTime, append([]string{"rm", "-f", "-v"}, names(all)...)...)
	return err
}

// networkMark says that kind's network was not there before our first cluster.
// It lies beside the clusters' folders.
func (l layout) networkMark() string { return filepath.Join(filepath.Dir(l.root), ".network") }

// ensureNetwork makes kind's network before kind does, and notes that it is
// ours. In a network whose subnet was chosen, unlike in kind's, a node can be
// given the address that it had.
func (e engine) ensureNetwork(ctx context.Context, l layout) error {
	if _, err := e.run(ctx, askTime, "network", "inspect", "--format", "{{.Id}}", networkName); err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := cluster.KeepFile(l.networkMark(), nil); err != nil {
		return err
	}
	if e.name != "docker" { // kind makes theirs in ways of their own
		return nil
	}
	const probe = networkName + "-probe" // the engine finds a subnet that is free
	if _, err := e.run(ctx, askTime, "network", "create", probe); err != nil {
		return fmt.Errorf("cluster %s: %w", l.name, err)
	}
	subnet, err := e.run(ctx, askTime, "network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", probe)
	_, failed := e.run(ctx, askTime, "network", "rm", probe)
	if err = errors.Join(err, failed); err == nil {
		_, err = e.run(ctx, askTime, "network", "create", "--driver", "bridge", "--subnet", string(bytes.TrimSpace(subnet)), networkName)
	}
	if err != nil {
		return fmt.Errorf("cluster %s: %w", l.name, err)
	}
	return nil
}

// keepAddress has a node that does not run start with the address that it had.
// Where the network does not allow it the node gets any, and that is seen later.
func (e engine) keepAddress(ctx context.Context, name, address string) error {
	if e.name != "docker" || address == "" {
		return nil
	}
	_, _ = e.run(ctx, askTime, "network", "disconnect", networkName, name) // it may be out of it: a killed start's
	_, err := e.run(ctx, askTime, "network", "connect", "--ip", address, networkName, name)
	if err == nil || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_, err = e.run(ctx, askTime, "network", "connect", networkName, name)
	return err
}

// removeNetwork removes kind's network if we made it and nothing is in it.
func (e engine) removeNetwork(ctx context.Context, l layout) error {
	if _, err := os.Stat(l.networkMark()); err != nil {
		return nil
	}
	out, err := e.run(ctx, askTime, "ps", "-aq", "--filter", "network="+networkName)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", l.name, err)
	}
	if len(bytes.TrimSpace(out)) > 0 {
		return nil
	}
	if _, err := e.run(ctx, askTime, "network", "rm", networkName); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		// Gone, or somebody's container has just come into it: theirs then.
	}
	if err := os.Remove(l.networkMark()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage("forget the network", filepath.Dir(l.root), err)
	}
	return nil
}
