package remote

import (
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/repo"
)

// TestChoose holds the choice of a version against Helm's own.
func TestChoose(t *testing.T) {
	t.Parallel()
	in, helm := index{Entries: map[string][]chartVersion{}}, repo.NewIndexFile()
	for _, v := range []string{"1.2.3", "1.10.0", "2.0.0-rc.1", "v1.9.0", "1.2.3+build", "0.1.0-alpha"} {
		in.Entries["app"] = append(in.Entries["app"], chartVersion{Version: v})
		helm.Entries["app"] = append(helm.Entries["app"], &repo.ChartVersion{Metadata: &chart.Metadata{Name: "app", Version: v}})
	}
	helm.SortEntries()
	for _, version := range []string{"1.2.3", "1.2.3+build", "~1.2", "^1", "1.9", ">1", ">1-0", "3", "*", ">=0.0.0-0", "<1-0", "1.x", "x.y.z.", ">=1.2 <1.10 || 3", "2.0.0-rc.1"} {
		want, wrong := helm.Get("app", version)
		got, err := in.choose("app", version)
		if (wrong == nil) != (err == nil) || err == nil && want.Version != got.Version {
			t.Errorf("%s: Helm takes %+v, %v; we %+v, %v", version, want, wrong, got, err)
		}
	}
	for want, asked := range map[string][2]string{
		"the repository has no chart ap": {"ap", "1"},
		"app has no version 3; the newest are 2.0.0-rc.1, 1.10.0, v1.9.0, 1.2.3, 1.2.3+build": {"app", "3"},
		`version "x." is neither a version of app nor a range: improper constraint: "x."`:     {"app", "x."},
	} {
		_, err := in.choose(asked[0], asked[1])
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", asked, err, want)
		}
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://me:secret@host/x?sig=secret#frag": "https://host/x",
		"helm+https://host/charts/app@~1.2":        "helm+https://host/charts/app@~1.2",
		"git+https://host/a.git@branch/main//dir":  "git+https://host/a.git@branch/main//dir",
		"mirror/x?y=secret":                        "mirror/x",
		"/abs/mirror":                              "/abs/mirror",
	} {
		if got := shown(address); got != want {
			t.Errorf("%s is shown as %s, want %s", address, got, want)
		}
	}
}
