package render

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestAsKustomize: every kustomization of the corpus gives what `kustomize build`
// gives, object for object, by the code that its command runs, over a folder.
func TestAsKustomize(t *testing.T) {
	t.Parallel()
	corpus, err := filepath.Glob("testdata/kustomizations/*.txtar")
	if err != nil || len(corpus) < 2 {
		t.Fatalf("%d kustomizations, %v", len(corpus), err)
	}
	for _, file := range corpus {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c := readCorpus(t, file)
			built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(c.lay(t), "overlay"))
			if err != nil {
				t.Fatalf("kustomize: %v", err)
			}
			stream, err := built.AsYaml()
			if err != nil {
				t.Fatal(err)
			}
			want := documents(string(stream))
			f := &folder{dir: "remote/c", data: map[string][]byte{}}
			for name, data := range c.files {
				f.data[f.dir+"/"+name] = data
			}
			f.names = sortedKeys(f.data)
			objects, err := runKustomize(f, f.dir+"/overlay")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range objects {
				data, err := json.Marshal(o.object.Object)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, canonical(data))
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" || len(want) < 3 {
				t.Errorf("%d objects (-kustomize +ours):\n%s", len(want), diff)
			}
		})
	}
}
