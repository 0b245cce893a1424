package render

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"go.yaml.in/yaml/v2"
)

// Files gives the bundle's canonical file set, sorted by path: one YAML file a
// stage and component, its documents in apply order with sorted keys. Hooks are
// not part of it.
func (b *Bundle) Files() ([]File, error) {
	at := map[string]int{}
	var files []File
	for _, o := range b.Objects {
		doc, err := document(o)
		if err != nil {
			return nil, err
		}
		name := fileName(o.Stage, o.Component)
		i, ok := at[name]
		if !ok {
			i = len(files)
			at[name] = i
			files = append(files, File{Path: name})
		}
		files[i].Data = append(files[i].Data, doc...)
	}
	sortFiles(files)
	return files, nil
}

func fileName(stage int, component string) string {
	return fmt.Sprintf("%02d-%s.yaml", stage, component)
}

// document is one object as a YAML document, its separator before it. The
// encoder is the one below sigs.k8s.io/yaml, without its way through JSON.
func document(o Object) ([]byte, error) {
	data, err := yaml.Marshal(o.Object)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", o.Ref(), err)
	}
	return append([]byte("---\n"), data...), nil
}

func sortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
}

// Digest is "sha256:…" over a file set: the files sorted by path, each path and
// content preceded by its length in eight bytes.
func Digest(files []File) string {
	files = slices.Clone(files)
	sortFiles(files)
	h := sha256.New()
	for _, f := range files {
		writeSized(h, []byte(f.Path))
		writeSized(h, f.Data)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// revision is the fleet revision over the clusters' digests.
func revision(bundles []*Bundle) string {
	sorted := slices.Clone(bundles)
	slices.SortFunc(sorted, func(a, b *Bundle) int { return cmp.Compare(a.Cluster, b.Cluster) })
	h := sha256.New()
	for _, b := range sorted {
		writeSized(h, []byte(b.Cluster))
		writeSized(h, []byte(b.Digest))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

func writeSized(h hash.Hash, data []byte) {
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(data)))
	h.Write(size[:])
	h.Write(data)
}
