package catalog

import "dualtrack.internal/platform/finding"

// Component is one deployable part of the stack: components/<name>/component.yaml.
type Component struct {
	Name   string        `yaml:"-"`
	Labels Labels        `yaml:"-"`
	Spec   ComponentSpec `yaml:"spec" required:"true" doc:"what the component is and how it is rendered"`
	// Dir is the component's folder and File its component.yaml, both relative
	// to the repository.
	Dir  string `yaml:"-"`
	File string `yaml:"-"`
	// Plain says how it is rendered when no component.yaml describes it; nil
	// otherwise.
	Plain *Plain `yaml:"-"`
	at    places
}

// At is where a field of the component stands ("spec.source.helm.path"), or the
// nearest field around it that is written.
func (c *Component) At(field string) finding.Position { return c.at.nearest(c.File, field) }

// Labels are an object's labels.
type Labels map[string]string

// ComponentSpec is a component's spec.
type ComponentSpec struct {
	Description string             `yaml:"description" doc:"one sentence for people"`
	Version     string             `yaml:"version" doc:"version of what is deployed; empty takes the baseline's version of the same name"`
	Source      Source             `yaml:"source" required:"true" doc:"where the objects come from; exactly one form"`
	Namespace   string             `yaml:"namespace" format:"name" doc:"namespace of objects that name none"`
	Roles       []Role             `yaml:"roles" doc:"cluster roles that may run it; empty means every role" enum:"hub,edge"`
	DependsOn   []string           `yaml:"dependsOn" doc:"components that must be applied and healthy first"`
	Images      []string           `yaml:"images" doc:"image names used in the manifests, resolved through the baseline's images"`
	Profiles    map[string]Profile `yaml:"profiles" doc:"values or patches for a size of cluster: tiny, small, hub" keys:"tiny,small,hub"`
	Settable    []string           `yaml:"settable" pattern:"^(\\*|[^.*\\s]+(\\.[^.*\\s]+)*)$" example:"gateway.host" doc:"dotted paths of the values that a cluster may set; * allows every value"`
	Needs       Needs              `yaml:"needs" doc:"what the component needs from a cluster"`
	Health      Health             `yaml:"health" doc:"what healthy means beyond the objects' own status"`
	Tenant      string             `yaml:"tenant" default:"platform" doc:"team that owns the component"`
}

// Source says where a component's objects come from. Exactly one field is set.
type Source struct {
	Kustomize *Kustomize `yaml:"kustomize" doc:"a local kustomization"`
	Helm      *Helm      `yaml:"helm" doc:"a Helm chart: a local one by path, one of an HTTP repository by repo, chart and version"`
	OCI       *OCI       `yaml:"oci" doc:"an artifact of an OCI registry, pinned in platform.lock"`
	Git       *Git       `yaml:"git" doc:"a folder of a Git repository, pinned in platform.lock"`
}

// Kustomize is a kustomization, with an overlay for a role where one is needed.
type Kustomize struct {
	Path     string            `yaml:"path" required:"true" doc:"folder of the kustomization, relative to the component, or to what is fetched"`
	Overlays map[string]string `yaml:"overlays" doc:"folder used instead of path for a role" keys:"hub,edge"`
}

// Helm is a Helm chart. Repo, Chart and Version stand together.
type Helm struct {
	Path        string `yaml:"path" doc:"folder of a local chart, relative to the component; within oci and git relative to what is fetched, and empty for all of it"`
	Repo        string `yaml:"repo" pattern:"^https://[^/\\s?#@]+(/[^\\s?#@]*)?$" example:"https://charts.example.com/stable" doc:"HTTP repository of the chart, which is pinned in platform.lock; without credentials"`
	Chart       string `yaml:"chart" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" example:"redis" doc:"chart's name in repo"`
	Version     string `yaml:"version" example:"1.2.3" doc:"chart's version in repo, or a range like ~1.2"`
	ReleaseName string `yaml:"releaseName" doc:"release name; empty means the component's name"`
	Values      Values `yaml:"values" doc:"values over the chart's own"`
}

// Profile is what a size of cluster changes in a component.
type Profile struct {
	Values  Values  `yaml:"values" doc:"Helm values"`
	Patches []Patch `yaml:"patches" doc:"patches over the rendered objects"`
}

// Patch changes rendered objects. Exactly one of Merge and JSON6902 is set.
type Patch struct {
	Target   Target   `yaml:"target" required:"true" doc:"the objects to change"`
	Role     Role     `yaml:"role" doc:"only for clusters of this role; empty means every role" enum:"hub,edge"`
	Merge    Values   `yaml:"merge" doc:"strategic merge patch"`
	JSON6902 []Values `yaml:"json6902" doc:"RFC 6902 operations"`
	// Position is where the patch stands.
	Position finding.Position `yaml:"-"`
}

// Target selects rendered objects. Empty fields match everything; Kind is required.
type Target struct {
	Group     string `yaml:"group" doc:"API group"`
	Kind      string `yaml:"kind" required:"true" doc:"kind"`
	Name      string `yaml:"name" doc:"name"`
	Namespace string `yaml:"namespace" doc:"namespace"`
}

// Values is free-form YAML, with the place it stands at.
type Values struct {
	Map      map[string]any
	Position finding.Position
	// Lines maps a dotted path to its place, for findings about one value.
	Lines map[string]finding.Position
}

// Needs is what a component needs from a cluster.
type Needs struct {
	Pods       bool     `yaml:"pods" doc:"containers that really run"`
	MetricsAPI bool     `yaml:"metricsAPI" doc:"the resource metrics API"`
	Volumes    bool     `yaml:"volumes" doc:"persistent volumes"`
	Kernel     []string `yaml:"kernel" doc:"kernel features"`
	CRDs       []string `yaml:"crds" doc:"custom resource definitions that another component brings"`
}

// Health adjusts how a component's health is judged.
type Health struct {
	Timeout Duration `yaml:"timeout" default:"5m" min:"1s" max:"1h" doc:"how long the component may take to become healthy"`
}
