package catalog

import "dualtrack.internal/platform/finding"

// Fleet is all clusters and how they are rolled out: clusters/fleet.yaml.
type Fleet struct {
	Name   string    `yaml:"-"`
	Labels Labels    `yaml:"-"`
	Spec   FleetSpec `yaml:"spec" required:"true" doc:"how the fleet is run"`
	File   string    `yaml:"-"`
	at     places
}

// At is where a field of the fleet stands ("spec.waves[0].clusters"), or the
// nearest field around it that is written.
func (f *Fleet) At(field string) finding.Position { return f.at.nearest(f.File, field) }

// FleetSpec is a fleet's spec.
type FleetSpec struct {
	Settle  Duration    `yaml:"settle" default:"3s" doc:"how long a cluster must stay in sync and healthy to count as converged"`
	Waves   []Wave      `yaml:"waves" doc:"order in which the sites take a release; where there is one, every site is in one"`
	SLO     SLO         `yaml:"slo" doc:"what a rollout must keep"`
	Freezes []Freeze    `yaml:"freezes" doc:"times without rollouts"`
	Policy  FleetPolicy `yaml:"policy" doc:"how rules judge the fleet"`
	Mirror  string      `yaml:"mirror" pattern:"^(oci://\\S+|[^:\\\\]+)$" example:"oci://registry.example.com/mirror" doc:"folder of the repository, or registry, that remote sources are read from; platform vendor fills it"`
}

// Wave is a step of a rollout.
type Wave struct {
	Name     string   `yaml:"name" required:"true" doc:"name"`
	Clusters []string `yaml:"clusters" required:"true" doc:"clusters of the wave"`
	Soak     Duration `yaml:"soak" default:"5m" doc:"how long the wave must hold before the next"`
}

// SLO is what a rollout must keep.
type SLO struct {
	UpgradeWindow Duration `yaml:"upgradeWindow" default:"15m" doc:"longest time one site may take"`
	ErrorBudget   string   `yaml:"errorBudget" default:"0.01%" pattern:"^[0-9]+(\\.[0-9]+)?%$" example:"0.01%" doc:"largest share of failed requests"`
}

// Freeze is a time without rollouts.
type Freeze struct {
	Name   string `yaml:"name" required:"true" doc:"name"`
	From   string `yaml:"from" required:"true" format:"date-time" doc:"begin, RFC 3339"`
	To     string `yaml:"to" required:"true" format:"date-time" doc:"end, RFC 3339"`
	Reason string `yaml:"reason" required:"true" doc:"why"`
}

// FleetPolicy sets how rules judge the fleet.
type FleetPolicy struct {
	Registries []string          `yaml:"registries" doc:"registries that images may come from, matched by whole path segments"`
	Severity   map[string]string `yaml:"severity" doc:"severity of a rule, by its id" values:"error,warning,info,off"`
	Params     Values            `yaml:"params" doc:"parameters of rules by the rule's id, {DT-REL-003: {min: 3}}; platform policy explain names those of a rule"`
	Production string            `yaml:"production" doc:"selector of the clusters whose findings weigh more where a rule says so (role=hub, env in (prod, live)); none without it"`
	// OtherOwner is read from the base of a change, as all of the policy is.
	OtherOwner bool `yaml:"exceptionsNeedOtherOwner" doc:"an exception that a change proposes must name an owner who is not the change's author, by name or mail address"`
}

// Baseline is every version the distribution stands on: components/baseline.yaml.
// No other file names them.
type Baseline struct {
	Name   string       `yaml:"-"`
	Labels Labels       `yaml:"-"`
	Spec   BaselineSpec `yaml:"spec" required:"true" doc:"the versions"`
	File   string       `yaml:"-"`
	at     places
}

// At is where a field of the baseline stands ("spec.images.envoy.tag"), or the
// nearest field around it that is written.
func (b *Baseline) At(field string) finding.Position { return b.at.nearest(b.File, field) }

// BaselineSpec is a baseline's spec.
type BaselineSpec struct {
	Distribution string             `yaml:"distribution" pattern:"^[0-9]+\\.[0-9]+\\.[0-9]+$" example:"0.9.0" doc:"version of the distribution itself"`
	Kubernetes   string             `yaml:"kubernetes" required:"true" pattern:"^v1\\.[0-9]+\\.[0-9]+$" example:"v1.99.0" doc:"Kubernetes version, with v"`
	Versions     map[string]Version `yaml:"versions" doc:"versions of the stack's parts by name"`
	Images       map[string]Image   `yaml:"images" doc:"images by the name that manifests use"`
}

// Version is a part's version: what the distribution declares, and what was
// really run against it.
type Version struct {
	Declared  string `yaml:"declared" required:"true" doc:"version the distribution stands for"`
	Exercised string `yaml:"exercised" doc:"version that tests run; empty when no program is to be had"`
	Note      string `yaml:"note" doc:"why the two differ"`
}

// Image is an image reference.
type Image struct {
	Repository string `yaml:"repository" required:"true" doc:"registry and repository"`
	Tag        string `yaml:"tag" required:"true" doc:"tag"`
	Digest     string `yaml:"digest" default:"unresolved" doc:"sha256:… as a registry gave it or as it was built here, or unresolved"`
	Program    string `yaml:"program" pattern:"^[a-z][a-z0-9-]*$" example:"orderservice" doc:"built here from the program of this name under tools/; empty: not built here"`
	// Position is where the entry stands.
	Position finding.Position `yaml:"-"`
}

// Ref is the reference a manifest carries: repository:tag, with @digest once resolved.
func (i Image) Ref() string {
	ref := i.Repository + ":" + i.Tag
	if i.Digest != "" && i.Digest != Unresolved {
		ref += "@" + i.Digest
	}
	return ref
}

// Unresolved is the digest of an image that no registry was asked for yet.
const Unresolved = "unresolved"
