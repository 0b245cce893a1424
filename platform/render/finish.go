package render

import (
	"fmt"
	"slices"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

// ComponentLabel is the label that every object of a bundle carries; its value
// is the component's name.
const ComponentLabel = "platform.dualtrack.internal/component"

// finish takes what kustomize or a chart gave through Dualtrack's own steps:
// default namespace, patches, images, label. It changes the objects in place.
func finish(j *job, objects []raw, known scopes) ([]raw, error) {
	var problems finding.Problems
	for _, r := range objects {
		if p := checkIdentity(r); p != nil {
			problems = append(problems, p)
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if plain := j.component.Plain; plain != nil {
		if err := deliver(objects, plain.Delivery); err != nil {
			return nil, err
		}
	}
	known = known.with(objects)
	for _, r := range objects {
		if j.component.Plain != nil && j.component.Spec.Source.Helm != nil {
			break // `helm template` leaves the release's namespace to whoever applies
		}
		if r.object.GetNamespace() == "" && j.component.Spec.Namespace != "" && known.namespaced(r.object.GroupVersionKind()) {
			r.object.SetNamespace(j.component.Spec.Namespace)
		}
	}
	objects, err := applyPatches(objects, j.patches)
	if err != nil {
		return nil, err
	}
	if j.component.Plain != nil { // an object stays as its author's tools render it
		return objects, nil
	}
	for _, r := range objects {
		resolveImages(r.object.Object, j.images, 0)
		labels := r.object.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[ComponentLabel] = j.component.Name
		r.object.SetLabels(labels)
	}
	return objects, nil
}

// with adds the definitions among the objects.
func (s scopes) with(objects []raw) scopes {
	out := s
	for _, r := range objects {
		if r.object.GetKind() != "CustomResourceDefinition" {
			continue
		}
		if def, ok := readDefinition(r.object.Object); ok {
			if len(out) == len(s) {
				out = make(scopes, len(s)+1)
				for k, v := range s {
					out[k] = v
				}
			}
			out.learn([]definition{def})
		}
	}
	return out
}

// imagesOf resolves the image names that a component uses through the baseline.
func imagesOf(c *catalog.Component, b *catalog.Baseline) (map[string]string, error) {
	images := make(map[string]string, len(c.Spec.Images))
	var problems finding.Problems
	for i, name := range c.Spec.Images {
		if b != nil {
			if image, ok := b.Spec.Images[name]; ok {
				images[name] = image.Ref()
				continue
			}
		}
		problems = append(problems, &finding.Problem{Position: c.At(fmt.Sprintf("spec.images[%d]", i)),
			Field: fmt.Sprintf("spec.images[%d]", i), What: "the baseline has no image " + name,
			Mend: "add it to the baseline's images"})
	}
	return images, problems.Err()
}

// resolveImages replaces symbolic image names wherever an object holds
// containers: in pods, templates of pods, and custom resources that embed them.
func resolveImages(value any, images map[string]string, depth int) {
	if depth > place.MaxDepth || len(images) == 0 {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			list, ok := child.([]any)
			if ok && slices.Contains([]string{"containers", "initContainers", "ephemeralContainers"}, key) {
				resolveContainers(list, images)
			}
			resolveImages(child, images, depth+1)
		}
	case []any:
		for _, child := range v {
			resolveImages(child, images, depth+1)
		}
	}
}

func resolveContainers(list []any, images map[string]string) {
	for _, item := range list {
		container, _ := item.(map[string]any)
		image, _ := container["image"].(string)
		if ref, ok := images[image]; ok {
			container["image"] = ref
		}
	}
}
