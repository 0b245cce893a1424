package adopt

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"
	k8syaml "sigs.k8s.io/yaml"
)

// edit does to a kustomization on the disk what Argo CD does for an Application
// by `kustomize edit`, by kustomize's own types.
func edit(dir string, source *unstructured.Unstructured) error {
	options, _, _ := unstructured.NestedMap(source.Object, "kustomize")
	if options == nil {
		return nil
	}
	o := unstructured.Unstructured{Object: options}
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		file := filepath.Join(dir, name)
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var k types.Kustomization
		if err := k.Unmarshal(data); err != nil {
			return err
		}
		if err := apply(&k, o.Object); err != nil {
			return err
		}
		if data, err = k8syaml.Marshal(k); err != nil {
			return err
		}
		return os.WriteFile(file, data, 0o600)
	}
	return fmt.Errorf("%s holds no kustomization", filepath.Base(dir))
}

func apply(k *types.Kustomization, options map[string]any) error {
	text := func(name string) string { s, _ := options[name].(string); return s }
	if s := text("namePrefix"); s != "" {
		k.NamePrefix = s
	}
	if s := text("nameSuffix"); s != "" {
		k.NameSuffix = s
	}
	if s := text("namespace"); s != "" {
		k.Namespace = s
	}
	if images, _, _ := unstructured.NestedStringSlice(options, "images"); len(images) > 0 {
		for _, image := range images {
			setImage(k, image)
		}
	}
	replicas, _, _ := unstructured.NestedSlice(options, "replicas")
	for _, entry := range replicas {
		r, _ := entry.(map[string]any)
		name, _ := r["name"].(string)
		count, _ := r["count"].(int64)
		k.Replicas = append(k.Replicas, types.Replica{Name: name, Count: count})
	}
	if pairs, _, _ := unstructured.NestedStringMap(options, "commonLabels"); len(pairs) > 0 {
		without, _ := options["labelWithoutSelector"].(bool)
		templates, _ := options["labelIncludeTemplates"].(bool)
		k.Labels = append(k.Labels, types.Label{Pairs: pairs, IncludeSelectors: !without, IncludeTemplates: templates})
	}
	if pairs, _, _ := unstructured.NestedStringMap(options, "commonAnnotations"); len(pairs) > 0 {
		if k.CommonAnnotations == nil {
			k.CommonAnnotations = map[string]string{}
		}
		for key, value := range pairs {
			k.CommonAnnotations[key] = value
		}
	}
	components, _, _ := unstructured.NestedStringSlice(options, "components")
	k.Components = append(k.Components, components...)
	if patches := options["patches"]; patches != nil {
		data, err := k8syaml.Marshal(patches)
		if err != nil {
			return err
		}
		var more []types.Patch
		if err := k8syaml.Unmarshal(data, &more); err != nil {
			return err
		}
		k.Patches = append(k.Patches, more...)
	}
	return nil
}

// setImage is `kustomize edit set image`.
func setImage(k *types.Kustomization, text string) {
	name, target, renamed := strings.Cut(text, "=")
	if !renamed {
		target = text
	}
	var image types.Image
	repository, digest, hasDigest := strings.Cut(target, "@")
	slash, colon := strings.LastIndex(repository, "/"), strings.LastIndex(repository, ":")
	if hasDigest {
		image.Digest = digest
	} else if colon > slash {
		repository, image.NewTag = repository[:colon], repository[colon+1:]
	}
	if image.Name = repository; renamed {
		image.Name, image.NewName = name, repository
	}
	for i := range k.Images {
		if k.Images[i].Name == image.Name {
			if image.NewName == "" {
				image.NewName = k.Images[i].NewName
			}
			k.Images[i] = image
			return
		}
	}
	k.Images = append(k.Images, image)
}
