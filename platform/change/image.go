package change

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"dualtrack.internal/platform/finding"
)

// moved says how an image reference differs. Its facts name the direction: up,
// down, digest, tag (no versions to compare), repository or registry.
func moved(f Field) Consequence {
	before, after := fmt.Sprint(f.Before), fmt.Sprint(f.After)
	q := Consequence{Effect: Image, Level: finding.Info, Pointer: f.Pointer}
	from, to := parseImage(before), parseImage(after)
	q.Facts = map[string]any{"repository": to.repository, "direction": "", "minors": 0, "tagged": to.tag != ""}
	switch {
	case f.Before == nil || f.After == nil:
		q.Why = fmt.Sprintf("image %s → %s", shownImage(f.Before), shownImage(f.After))
		q.Facts["direction"] = "repository"
	case from.registry != to.registry:
		q.Why, q.Facts["direction"] = fmt.Sprintf("registry %s → %s", from.registryName(), to.registryName()), "registry"
		q.Level = finding.Warning
	case from.repository != to.repository:
		q.Why, q.Facts["direction"] = fmt.Sprintf("image %s → %s", from.repository, to.repository), "repository"
	case from.tag != to.tag:
		direction, minors := between(from.tag, to.tag)
		words := map[string]string{"up": "", "down": ", an older version", "tag": ", tags that don't compare as versions"}
		q.Why = fmt.Sprintf("%s: %s → %s%s", from.repository, shownTag(from.tag), shownTag(to.tag), words[direction])
		q.Facts["direction"], q.Facts["minors"] = direction, minors
		if direction != "up" {
			q.Level = finding.Warning
		}
	case from.digest == "":
		q.Why, q.Facts["direction"] = fmt.Sprintf("%s: pinned to a digest of the same tag", from.repository), "pinned"
	case to.digest == "":
		q.Why, q.Facts["direction"] = fmt.Sprintf("%s: no longer pinned to a digest", from.repository), "unpinned"
		q.Level = finding.Warning
	default:
		q.Why, q.Facts["direction"] = fmt.Sprintf("%s: another digest of the same tag", from.repository), "digest"
	}
	return q
}

func shownImage(v any) string {
	if v == nil {
		return "nothing"
	}
	return fmt.Sprint(v)
}

func shownTag(tag string) string {
	if tag == "" {
		return "no tag"
	}
	return tag
}

// between says where a tag stands to another, and how many minors they are apart
// within a major; -1 for another major.
func between(before, after string) (direction string, minors int) {
	from, err := semver.NewVersion(before)
	to, err2 := semver.NewVersion(after)
	if err != nil || err2 != nil {
		return "tag", 0
	}
	minors = int(to.Minor()) - int(from.Minor()) //nolint:gosec // minors are small, and a wrap is no harm
	if minors < 0 {
		minors = -minors
	}
	if from.Major() != to.Major() {
		minors = -1
	}
	switch to.Compare(from) {
	case 1:
		return "up", minors
	case -1:
		return "down", minors
	}
	return "tag", 0 // v1.2.3 and 1.2.3, or builds of one version
}

type image struct{ registry, repository, tag, digest string }

func (i image) registryName() string {
	if i.registry == "" {
		return "docker.io"
	}
	return i.registry
}

// parseImage takes a reference apart; the registry is the first part if it can be
// a host's name.
func parseImage(ref string) image {
	var i image
	ref, i.digest, _ = strings.Cut(ref, "@")
	if at := strings.LastIndex(ref, ":"); at > strings.LastIndex(ref, "/") {
		ref, i.tag = ref[:at], ref[at+1:]
	}
	if first, rest, ok := strings.Cut(ref, "/"); ok && (strings.ContainsAny(first, ".:") || first == "localhost") {
		i.registry, ref = first, rest
	}
	if i.registry == "docker.io" || i.registry == "index.docker.io" {
		i.registry, ref = "", strings.TrimPrefix(ref, "library/")
	}
	i.repository = ref
	return i
}
