package schema

import (
	"compress/gzip"
	"encoding/json"
	"fmt"

	kube "k8s.io/apimachinery/pkg/runtime/schema"
)

// readDocument reads the generated schemas of a minor.
func readDocument(minor int) (map[kube.GroupVersionKind]*kind, map[string]*node, error) {
	name := "openapi/v" + release(minor) + ".json.gz"
	f, err := files.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	var doc struct {
		Kinds []struct {
			Group, Version, Kind, Schema string
			Namespaced, Request, Off     bool
		} `json:"kinds"`
		Schemas map[string]*node `json:"schemas"`
	}
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	for id, n := range doc.Schemas {
		if err := n.link(doc.Schemas); err != nil {
			return nil, nil, fmt.Errorf("%s: %s: %w", name, id, err)
		}
	}
	kinds := make(map[kube.GroupVersionKind]*kind, len(doc.Kinds))
	for _, k := range doc.Kinds {
		gvk := kube.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}
		kinds[gvk] = &kind{GroupVersionKind: gvk, root: doc.Schemas[k.Schema], namespaced: k.Namespaced, request: k.Request, off: k.Off}
	}
	return kinds, doc.Schemas, nil
}
