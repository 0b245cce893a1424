package render

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// betasOffSince is the minor release from which a new beta API is not served
// unless it is asked for; later versions of older beta APIs still are (KEP-3136).
const betasOffSince = 24

// lifecycle is what Kubernetes' own types say of the releases that serve them.
type lifecycle interface {
	APILifecycleIntroduced() (major, minor int)
}

type removal interface {
	APILifecycleRemoved() (major, minor int)
}

// Capabilities is what charts are told of a cluster without definitions of its own.
func Capabilities(kubernetes string) (*chartutil.Capabilities, error) {
	return capabilities(kubernetes, nil)
}

// capabilities is what charts are told of the cluster: the Kubernetes version
// and the APIs that it serves by default, further ones from definitions.
func capabilities(kubernetes string, further []string) (*chartutil.Capabilities, error) {
	version, err := chartutil.ParseKubeVersion(kubernetes)
	if err != nil {
		return nil, fmt.Errorf("kubernetes version %q: %w", kubernetes, err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(version.Major+" "+version.Minor, "%d %d", &major, &minor); err != nil {
		return nil, fmt.Errorf("kubernetes version %q: %w", kubernetes, err)
	}
	set := append(builtinVersions(scheme.Scheme, major, minor), further...)
	slices.Sort(set)
	return &chartutil.Capabilities{
		KubeVersion: *version,
		APIVersions: slices.Compact(set),
		HelmVersion: chartutil.DefaultCapabilities.HelmVersion,
	}, nil
}

// builtinVersions lists "group/version" and "group/version/Kind" of the APIs
// that a Kubernetes release serves without further settings. The source is the
// life cycle that k8s.io/api's types carry.
func builtinVersions(types *runtime.Scheme, major, minor int) []string {
	known := types.AllKnownTypes()
	firstBeta := map[schema.GroupKind]int{} // minor release of a kind's first beta
	for gvk, t := range known {
		if _, since, ok := introduced(t); ok && strings.Contains(gvk.Version, "beta") {
			if first, seen := firstBeta[gvk.GroupKind()]; !seen || since < first {
				firstBeta[gvk.GroupKind()] = since
			}
		}
	}
	seen := map[string]bool{}
	for gvk, t := range known {
		if gvk.Version == runtime.APIVersionInternal || strings.Contains(gvk.Version, "alpha") || !isResource(known, gvk) {
			continue
		}
		if !servedIn(t, major, minor) {
			continue
		}
		if strings.Contains(gvk.Version, "beta") && firstBeta[gvk.GroupKind()] >= betasOffSince {
			continue
		}
		seen[gvk.GroupVersion().String()] = true
		seen[gvk.GroupVersion().String()+"/"+gvk.Kind] = true
	}
	return sortedKeys(seen)
}

// isResource says that a kind has a list: options and reviews of requests are
// left out but for the few that are created alone.
func isResource(known map[schema.GroupVersionKind]reflect.Type, gvk schema.GroupVersionKind) bool {
	_, ok := known[gvk.GroupVersion().WithKind(gvk.Kind+"List")]
	return ok || strings.HasSuffix(gvk.Kind, "Review") || gvk.Kind == "Eviction"
}

func introduced(t reflect.Type) (major, minor int, ok bool) {
	l, ok := reflect.New(t).Interface().(lifecycle)
	if !ok {
		return 0, 0, false
	}
	major, minor = l.APILifecycleIntroduced()
	return major, minor, true
}

func servedIn(t reflect.Type, major, minor int) bool {
	if ma, mi, ok := introduced(t); ok && (ma > major || ma == major && mi > minor) {
		return false
	}
	r, ok := reflect.New(t).Interface().(removal)
	if !ok {
		return true
	}
	ma, mi := r.APILifecycleRemoved()
	return ma > major || ma == major && mi > minor
}
