package catalog

import (
	"context"
	"fmt"
	"path"
	"strings"

	"dualtrack.internal/platform/finding"
)

// RemotePrefix stands before the path of each file that comes from a remote
// source, in positions too: remote/redis/templates/service.yaml:3:1.
const RemotePrefix = "remote/"

// OCI is an artifact of an OCI registry: a chart as `helm push` makes it, or
// files as `flux push artifact` does.
type OCI struct {
	URL       string     `yaml:"url" required:"true" pattern:"^oci://[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$" example:"oci://registry.example.com/charts/redis" doc:"repository of the artifact; without tag, digest and credentials"`
	Version   string     `yaml:"version" pattern:"^[A-Za-z0-9_][A-Za-z0-9._+-]*$" example:"1.2.3" doc:"tag; of a chart its version"`
	Digest    string     `yaml:"digest" pattern:"^sha256:[0-9a-f]{64}$" example:"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" doc:"digest of the manifest, in place of a version"`
	Helm      *Helm      `yaml:"helm" doc:"how the chart in it is rendered"`
	Kustomize *Kustomize `yaml:"kustomize" doc:"how the kustomization in it is rendered"`
}

// Git is a folder of a commit of a Git repository.
type Git struct {
	URL       string     `yaml:"url" required:"true" pattern:"^https://[^/\\s?#@]+(/[^/\\s?#@]+)+$" example:"https://git.example.com/team/deploy.git" doc:"repository; without credentials"`
	Ref       GitRef     `yaml:"ref" required:"true" doc:"what of it; exactly one form"`
	Path      string     `yaml:"path" doc:"folder of the repository that is taken; empty means all of it"`
	Helm      *Helm      `yaml:"helm" doc:"how the chart in it is rendered"`
	Kustomize *Kustomize `yaml:"kustomize" doc:"how the kustomization in it is rendered"`
}

// GitRef names a commit. Exactly one field is set.
type GitRef struct {
	Branch string `yaml:"branch" pattern:"^[^\\s~^:?*\\[\\\\-][^\\s~^:?*\\[\\\\]*$" example:"main" doc:"branch, whose commit platform lock writes down"`
	Tag    string `yaml:"tag" pattern:"^[^\\s~^:?*\\[\\\\-][^\\s~^:?*\\[\\\\]*$" example:"v1.2.3" doc:"tag"`
	Commit string `yaml:"commit" pattern:"^[0-9a-f]{40}$" example:"0123456789abcdef0123456789abcdef01234567" doc:"commit"`
}

// Name is how a ref is shown: tag/v1.2.3.
func (r GitRef) Name() string {
	switch {
	case r.Branch != "":
		return "branch/" + r.Branch
	case r.Tag != "":
		return "tag/" + r.Tag
	}
	return "commit/" + r.Commit
}

// Chart is how the source is rendered as a chart, nil when it is none.
func (s Source) Chart() *Helm {
	switch {
	case s.OCI != nil:
		return s.OCI.Helm
	case s.Git != nil:
		return s.Git.Helm
	}
	return s.Helm
}

// Kustomization is how the source is rendered as a kustomization, nil when it is
// none.
func (s Source) Kustomization() *Kustomize {
	switch {
	case s.OCI != nil:
		return s.OCI.Kustomize
	case s.Git != nil:
		return s.Git.Kustomize
	}
	return s.Kustomize
}

// Remote says that the files stand outside the repository.
func (s Source) Remote() bool {
	return s.OCI != nil || s.Git != nil || s.Helm != nil && s.Helm.Repo != ""
}

// Wants is what a remote source asks for, in one line: what platform.lock
// answers.
func (s Source) Wants() string {
	switch {
	case s.OCI != nil && s.OCI.Digest != "":
		return s.OCI.URL + "@" + s.OCI.Digest
	case s.OCI != nil:
		return s.OCI.URL + ":" + s.OCI.Version
	case s.Git != nil:
		return strings.TrimSuffix("git+"+s.Git.URL+"@"+s.Git.Ref.Name()+"//"+path.Clean(s.Git.Path), "//.")
	case s.Helm != nil && s.Helm.Repo != "":
		return "helm+" + strings.TrimSuffix(s.Helm.Repo, "/") + "/" + s.Helm.Chart + "@" + s.Helm.Version
	}
	return ""
}

// field is where a source's rendering is described, and what is asked for stands.
func (s Source) field() string {
	switch {
	case s.OCI != nil:
		return "spec.source.oci"
	case s.Git != nil:
		return "spec.source.git"
	case s.Helm != nil:
		return "spec.source.helm"
	}
	return "spec.source.kustomize"
}

// ChartField is the path of the field that Chart gives.
func (s Source) ChartField() string {
	if s.OCI != nil || s.Git != nil {
		return s.field() + ".helm"
	}
	return "spec.source.helm"
}

// Formats of a locked archive.
const (
	FormatChart = "chart" // a chart's archive: all files in one folder
	FormatFiles = "files" // the files themselves
)

// LockedSource pins a component's remote source.
type LockedSource struct {
	Wants    string `yaml:"wants" json:"wants" required:"true" doc:"what component.yaml asks for"`
	Version  string `yaml:"version" json:"version" required:"true" doc:"version, tag, branch or commit that it was resolved to"`
	URL      string `yaml:"url" json:"url" required:"true" pattern:"^(https|oci)://[^/\\s@]+/\\S+$" example:"https://charts.example.com/redis-1.2.3.tgz" doc:"where the bytes are"`
	Revision string `yaml:"revision" json:"revision,omitempty" pattern:"^(sha256:[0-9a-f]{64}|[0-9a-f]{40})$" example:"0123456789abcdef0123456789abcdef01234567" doc:"the registry's manifest by digest, or Git's commit"`
	Format   string `yaml:"format" json:"format" required:"true" enum:"chart,files" doc:"how the archive holds the files"`
	Digest   string `yaml:"digest" json:"digest" required:"true" pattern:"^sha256:[0-9a-f]{64}$" example:"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" doc:"digest of the archive"`
	Size     int    `yaml:"size" json:"size" required:"true" min:"1" max:"33554432" doc:"bytes of the archive"`
	// Position is where the pin stands.
	Position finding.Position `yaml:"-" json:"-"`
}

// Remotes gives the files of remote sources, as the lock pins them.
type Remotes interface {
	// Files gives the files of a component's source by their paths within it. What
	// can't be had is an *UnavailableError, what is not as pinned a *finding.Problem.
	Files(ctx context.Context, c *Component, locked LockedSource) (map[string][]byte, error)
}

// UnavailableError says that a pinned source could not be had: the cause is the
// machine's or the network's, not the repository's.
type UnavailableError struct {
	Component string
	From      string
	Err       error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("source of component %s from %s: %v", e.Component, e.From, e.Err)
}

// Unwrap gives the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// RemoteDir is the folder that stands for a component's remote source.
func RemoteDir(component string) string { return RemotePrefix + component }

// RemoteFiles gives the files of a component's remote source by paths that begin
// with RemoteDir. A source that the lock does not pin is a *finding.Problem.
func (c *Catalog) RemoteFiles(ctx context.Context, of *Component) (map[string][]byte, error) {
	locked, err := c.Lock.Pin(of)
	if err != nil {
		return nil, err
	}
	if c.Remotes == nil {
		return nil, problem(of.At(of.Spec.Source.field()), of.Spec.Source.field(), "is remote, and nothing is fetched here", "use a local source")
	}
	files, err := c.Remotes.Files(ctx, of, locked)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte, len(files))
	for name, data := range files {
		out[path.Join(RemoteDir(of.Name), name)] = data
	}
	return out, nil
}

// Pin is how the lock pins a component's remote source. Without a lock, or with
// one of another source, the error is a *finding.Problem.
func (l *Lock) Pin(c *Component) (LockedSource, error) {
	const mend = "run `platform lock`"
	field := c.Spec.Source.field()
	if l == nil {
		return LockedSource{}, problem(c.At(field), field, "is remote, and there is no "+LockFile, mend)
	}
	locked, there := l.Spec.Sources[c.Name]
	if !there {
		return LockedSource{}, problem(c.At(field), field, "is remote, and "+LockFile+" does not pin it", mend)
	}
	if wants := c.Spec.Source.Wants(); locked.Wants != wants {
		return LockedSource{}, problem(c.At(field), field,
			fmt.Sprintf("asks for %s, and %s pins %s", wants, l.PinAt(c.Name), locked.Wants), mend)
	}
	return locked, nil
}

// PinAt is where the lock pins a component's source.
func (l *Lock) PinAt(component string) finding.Position { return l.At("spec.sources." + component) }

// withoutLogin is a text that may be an address, without what may be secret in
// it: user, password and query.
func withoutLogin(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	if before, _, query := strings.Cut(rest, "?"); query {
		rest = before + "?…"
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = "…" + rest[at:]
	}
	return scheme + "://" + rest
}
