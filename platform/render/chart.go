package render

import (
	"bytes"
	"io/fs"
	"path"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/ignore"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

// ignored says which files of a chart's folder are no part of the chart: what
// .helmignore says, and hidden templates. Of a chart's archive they were left
// out when it was made.
func (r *release) ignored() (func(rel string) bool, error) {
	if r.packed {
		return func(string) bool { return false }, nil
	}
	file := path.Join(r.dir, ignore.HelmIgnore)
	rules, err := ignore.Parse(bytes.NewReader(r.folder.data[file]))
	if err != nil {
		return nil, &finding.Problem{Position: finding.Position{File: file}, What: "can't be read: " + err.Error(), Mend: "mend its patterns"}
	}
	rules.AddDefaults()
	return func(rel string) bool {
		for i, c := range rel {
			if c == '/' && rules.Ignore(rel[:i], entry{path.Base(rel[:i]), fs.ModeDir}) {
				return true
			}
		}
		return rules.Ignore(rel, entry{path.Base(rel), 0})
	}, nil
}

// entry is what the library asks of a path: its name, and whether it is a folder.
type entry struct {
	name string
	mode fs.FileMode
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return 0 }
func (e entry) Mode() fs.FileMode  { return e.mode }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return e.mode.IsDir() }
func (e entry) Sys() any           { return nil }

// checkInstallable says why Helm would not install a chart: it is for other
// charts, or for another Kubernetes.
func (r *release) checkInstallable(c *chart.Chart, manifest string) error {
	p := &finding.Problem{Position: finding.Position{File: manifest}}
	switch kubernetes := r.caps.KubeVersion.Version; {
	case c.Metadata.Type != "" && c.Metadata.Type != "application":
		p.Field, p.What, p.Mend = "type", "is "+c.Metadata.Type+": the chart is a part of others and can't be installed", "name a chart of type application"
	case c.Metadata.KubeVersion != "" && !chartutil.IsCompatibleRange(c.Metadata.KubeVersion, kubernetes):
		p.Field, p.What = "kubeVersion", "is "+c.Metadata.KubeVersion+", and the clusters have "+kubernetes
		p.Mend = "take a version of the chart for this Kubernetes"
	default:
		return nil
	}
	if docs, err := place.Scan(manifest, r.folder.data[manifest]); err == nil && len(docs) == 1 {
		key, _ := place.Entry(docs[0].Root, p.Field)
		p.Position = place.At(manifest, key)
	}
	return p
}

// isNotes says that a template is for people and gives no objects.
func isNotes(name string) bool { return strings.HasSuffix(name, "NOTES.txt") }

// utf8BOM begins some files; Helm leaves it out.
func utf8BOM() []byte { return []byte{0xef, 0xbb, 0xbf} }
