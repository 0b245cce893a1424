package remote

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source/archive"
)

// maxIndex bounds the index of an HTTP repository, in bytes. The largest in wide
// use have about 20 MiB.
const maxIndex = 64 << 20

// index is what is read of a repository's index.yaml.
type index struct {
	Entries map[string][]chartVersion `json:"entries"`
}

// chartVersion is one version of a chart.
type chartVersion struct {
	Version string   `json:"version"`
	URLs    []string `json:"urls"`
	Digest  string   `json:"digest"`

	parsed *semver.Version
}

// chart resolves a chart of an HTTP repository and gets it.
func (s *Store) chart(ctx context.Context, h *catalog.Helm) (catalog.LockedSource, []byte, error) {
	base := strings.TrimSuffix(h.Repo, "/") + "/"
	data, err := s.download(ctx, base+"index.yaml", maxIndex)
	if err != nil {
		return catalog.LockedSource{}, nil, err
	}
	var in index
	if err := yaml.Unmarshal(data, &in); err != nil {
		return catalog.LockedSource{}, nil, fmt.Errorf("%sindex.yaml is no index: %w", base, err)
	}
	v, err := in.choose(h.Chart, h.Version)
	if err != nil {
		return catalog.LockedSource{}, nil, err
	}
	if len(v.URLs) == 0 {
		return catalog.LockedSource{}, nil, fmt.Errorf("%s %s has no address in the index", h.Chart, v.Version)
	}
	address, err := resolveURL(base, v.URLs[0])
	if err != nil {
		return catalog.LockedSource{}, nil, err
	}
	if data, err = s.download(ctx, address, archive.MaxSize); err != nil {
		return catalog.LockedSource{}, nil, err
	}
	if want := strings.TrimPrefix(v.Digest, "sha256:"); want != "" && "sha256:"+want != digest(data) {
		return catalog.LockedSource{}, nil, fmt.Errorf("%s is %s, and the index says sha256:%s", shown(address), digest(data), want)
	}
	return catalog.LockedSource{Version: v.Version, URL: address, Format: catalog.FormatChart}, data, nil
}

// choose finds a version as Helm does: the very one, else the highest within
// the range.
func (in index) choose(chart, version string) (*chartVersion, error) {
	all := in.Entries[chart]
	if len(all) == 0 {
		return nil, fmt.Errorf("the repository has no chart %s", chart)
	}
	var known []chartVersion
	for _, v := range all {
		if v.Version == version {
			return &v, nil
		}
		if parsed, err := semver.NewVersion(v.Version); err == nil {
			v.parsed = parsed
			known = append(known, v)
		}
	}
	within, err := semver.NewConstraint(version)
	if err != nil {
		return nil, fmt.Errorf("version %q is neither a version of %s nor a range: %w", version, chart, err)
	}
	slices.SortStableFunc(known, func(a, b chartVersion) int { return b.parsed.Compare(a.parsed) })
	for _, v := range known {
		if within.Check(v.parsed) {
			return &v, nil
		}
	}
	const shownVersions = 5
	var names []string
	for _, v := range known[:min(shownVersions, len(known))] {
		names = append(names, v.Version)
	}
	return nil, fmt.Errorf("%s has no version %s; the newest are %s", chart, version, strings.Join(names, ", "))
}

// resolveURL is where a chart stands, of which the index gives a path or an
// address.
func resolveURL(base, ref string) (string, error) {
	at, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	to, err := at.Parse(ref)
	if err != nil || to.Scheme != "https" || to.User != nil {
		return "", fmt.Errorf("the index names %s, which is no address that begins with https://", shown(ref))
	}
	return to.String(), nil
}
