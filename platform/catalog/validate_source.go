package catalog

import (
	"fmt"
	"path"
	"strings"
)

// kustomizations are the names of a kustomization's file.
func kustomizations() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

// source checks that one form stands there, and that the files of a local one
// exist.
func (l *loader) source(c *Component) {
	s := c.Spec.Source
	if n := count(s.Kustomize != nil, s.Helm != nil, s.OCI != nil, s.Git != nil); n != 1 {
		l.fail(c, "spec.source", "has to have exactly one of kustomize, helm, oci and git", "write one of them")
		return
	}
	switch {
	case s.OCI != nil:
		l.oneOf(c, "spec.source.oci", "version and digest", s.OCI.Version != "", s.OCI.Digest != "")
		l.fetched(c, "spec.source.oci", s.OCI.Helm, s.OCI.Kustomize)
	case s.Git != nil:
		ref := s.Git.Ref
		l.oneOf(c, "spec.source.git.ref", "branch, tag and commit", ref.Branch != "", ref.Tag != "", ref.Commit != "")
		l.within(c, "spec.source.git.path", s.Git.Path)
		l.fetched(c, "spec.source.git", s.Git.Helm, s.Git.Kustomize)
	case s.Helm != nil:
		l.chart(c, s.Helm)
	default:
		l.folder(c, "spec.source.kustomize.path", s.Kustomize.Path, kustomizations()...)
		for _, role := range sortedKeys(s.Kustomize.Overlays) {
			l.folder(c, "spec.source.kustomize.overlays."+role, s.Kustomize.Overlays[role], kustomizations()...)
		}
	}
}

func count(set ...bool) int {
	n := 0
	for _, one := range set {
		if one {
			n++
		}
	}
	return n
}

func (l *loader) oneOf(c *Component, field, names string, set ...bool) {
	if count(set...) != 1 {
		l.fail(c, field, "has to have exactly one of "+names, "write one of them")
	}
}

// chart checks a chart that stands in the component, or in an HTTP repository.
func (l *loader) chart(c *Component, h *Helm) {
	const field = "spec.source.helm"
	switch remote := count(h.Repo != "", h.Chart != "", h.Version != ""); {
	case h.Path == "" && remote == 0:
		l.fail(c, field+".path", "is missing", "add it, or repo, chart and version of a chart of an HTTP repository")
	case h.Path != "" && remote > 0:
		l.fail(c, field+".path", "stands beside the chart of a repository", "remove it, or repo, chart and version")
	case remote == 0:
		l.folder(c, field+".path", h.Path, "Chart.yaml")
	case remote < 3:
		for _, f := range []struct{ name, value string }{{"repo", h.Repo}, {"chart", h.Chart}, {"version", h.Version}} {
			if f.value == "" {
				l.fail(c, field+"."+f.name, "is missing", "a chart of an HTTP repository has repo, chart and version")
			}
		}
	}
}

// fetched checks how what an OCI or Git source brings is rendered. Its files are
// looked at when it is.
func (l *loader) fetched(c *Component, field string, h *Helm, k *Kustomize) {
	l.oneOf(c, field, "helm and kustomize", h != nil, k != nil)
	if h != nil {
		l.within(c, field+".helm.path", h.Path)
		for _, f := range []struct{ name, value string }{{"repo", h.Repo}, {"chart", h.Chart}, {"version", h.Version}} {
			if f.value != "" {
				l.fail(c, field+".helm."+f.name, "is for a chart of an HTTP repository", "remove it")
			}
		}
	}
	if k != nil {
		l.within(c, field+".kustomize.path", k.Path)
		for _, role := range sortedKeys(k.Overlays) {
			l.within(c, field+".kustomize.overlays."+role, k.Overlays[role])
		}
	}
}

// within checks that a path stays in what is fetched.
func (l *loader) within(c *Component, field, rel string) {
	full := path.Clean(rel)
	if path.IsAbs(rel) || strings.ContainsAny(rel, `\:`) || full == ".." || strings.HasPrefix(full, "../") {
		l.fail(c, field, rel+" leaves what is fetched", "write a relative path without ..")
	}
}

// sources checks what the lock pins.
func (l *loader) sources(lock *Lock) {
	for _, name := range sortedKeys(lock.Spec.Sources) {
		s := lock.Spec.Sources[name]
		git, oci := strings.HasPrefix(s.Wants, "git+"), strings.HasPrefix(s.Wants, "oci://")
		field := "spec.sources." + name
		if (git || oci) && s.Revision == "" {
			l.fail(lock, field+".revision", "is missing", "run `platform lock`")
		}
		if oci != strings.HasPrefix(s.URL, "oci://") {
			l.fail(lock, field+".url", fmt.Sprintf("is no address of %s", s.Wants), "run `platform lock`")
		}
	}
}
