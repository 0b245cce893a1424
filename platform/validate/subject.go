package validate

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"dualtrack.internal/platform/render"
)

// Subjects are a bundle's configurations: of every container whose image a
// checker reads for, and of every object of a group that a checker judges. images
// maps an image's name in the baseline to its reference.
func Subjects(b *render.Bundle, checkers []Checker, images map[string]string) []Subject {
	byRef, byGroup := map[string][]string{}, map[string]string{}
	for _, c := range checkers {
		for _, name := range c.Images {
			if ref := images[name]; ref != "" {
				byRef[ref] = append(byRef[ref], c.Name)
			}
		}
		for _, name := range c.Groups {
			byGroup[name] = c.Name
		}
	}
	held := indexObjects(b)
	var out []Subject
	kinds := map[[2]string]int{} // component and reader of objects → place in out
	for _, o := range b.Objects {
		if reader := byGroup[o.GroupVersionKind().Group]; reader != "" {
			key := [2]string{o.Component, reader}
			at, known := kinds[key]
			if !known {
				at = len(out)
				kinds[key] = at
				out = append(out, Subject{Cluster: b.Cluster, Component: o.Component, Name: "objects of " + o.GroupVersionKind().Group,
					Object: o.Ref(), Source: o.Source, Readers: []string{reader}})
			}
			out[at].Objects = append(out[at].Objects, o.Object)
			continue
		}
		template, ok := podTemplate(o.Unstructured)
		if !ok {
			continue
		}
		for _, c := range slices.Concat(template.Spec.InitContainers, template.Spec.Containers) {
			if readers := byRef[c.Image]; len(readers) > 0 {
				out = append(out, container(b.Cluster, o, template, c, held, readers))
			}
		}
	}
	return out
}

// container is one container's configuration.
func container(cluster string, o render.Object, template *corev1.PodTemplateSpec, c corev1.Container, held objects, readers []string) Subject {
	s := Subject{
		Cluster: cluster, Component: o.Component, Name: o.Ref().String() + " " + c.Name,
		Object: o.Ref(), Source: o.Source, Readers: readers, Files: map[string]string{}, Env: map[string]string{},
	}
	namespace := o.GetNamespace()
	s.env(c, held, namespace)
	for _, arg := range slices.Concat(c.Command, c.Args) {
		s.Args = append(s.Args, expand(arg, s.Env))
	}
	for _, m := range c.VolumeMounts {
		i := slices.IndexFunc(template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if i < 0 {
			s.problem("mounts the volume %s, which the pod does not have", m.Name)
			continue
		}
		s.mount(m, template.Spec.Volumes[i], held, namespace)
	}
	slices.Sort(s.Secrets)
	slices.Sort(s.Dirs)
	s.services(held)
	return s
}

// podTemplate reads the pods of a workload.
func podTemplate(o *unstructured.Unstructured) (*corev1.PodTemplateSpec, bool) {
	path := []string{"spec", "template"}
	switch o.GetKind() {
	case "Deployment", "DaemonSet", "StatefulSet", "Job", "ReplicaSet":
	case "CronJob":
		path = []string{"spec", "jobTemplate", "spec", "template"}
	case "Pod":
		path = nil
	default:
		return nil, false
	}
	content, found, err := unstructured.NestedMap(o.Object, path...)
	if len(path) == 0 {
		content, found, err = o.Object, true, nil
	}
	if !found || err != nil {
		return nil, false
	}
	var template corev1.PodTemplateSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &template); err != nil {
		return nil, false // the schema's finding
	}
	return &template, true
}

// objects are a bundle's ConfigMaps and Secrets, and the names of its Services, by
// "Kind namespace/name".
type objects map[string]map[string]string

func indexObjects(b *render.Bundle) objects {
	out := objects{}
	for _, o := range b.Objects {
		if !slices.Contains([]string{"ConfigMap", "Secret", "Service"}, o.GetKind()) || o.GetAPIVersion() != "v1" {
			continue
		}
		data := map[string]string{}
		for _, field := range []string{"data", "binaryData", "stringData"} {
			values, _, _ := unstructured.NestedStringMap(o.Object, field) // a wrong type is the schema's finding
			maps.Copy(data, values)
		}
		out[o.Ref().String()] = data
	}
	return out
}

func (s *Subject) env(c corev1.Container, held objects, namespace string) {
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef != nil {
			for key, value := range held["ConfigMap "+namespace+"/"+from.ConfigMapRef.Name] {
				s.Env[from.Prefix+key] = value
			}
		}
	}
	for _, e := range c.Env {
		s.Env[e.Name] = expand(e.Value, s.Env)
		if e.ValueFrom == nil {
			continue
		}
		switch from := e.ValueFrom; {
		case from.ConfigMapKeyRef != nil:
			name := "ConfigMap " + namespace + "/" + from.ConfigMapKeyRef.Name
			value, ok := held[name][from.ConfigMapKeyRef.Key]
			if !ok && (from.ConfigMapKeyRef.Optional == nil || !*from.ConfigMapKeyRef.Optional) {
				s.problem("takes %s from %s, which has no key %s", e.Name, name, from.ConfigMapKeyRef.Key)
			}
			s.Env[e.Name] = value
		case from.FieldRef != nil:
			s.Env[e.Name] = example(from.FieldRef.FieldPath, namespace)
		case from.SecretKeyRef != nil:
			s.Env[e.Name] = "secret"
		case from.ResourceFieldRef != nil:
			s.Env[e.Name] = "1"
		}
	}
}

// example is what a field of a pod may be.
func example(field, namespace string) string {
	switch {
	case strings.HasSuffix(field, "IP"):
		return "127.0.0.1"
	case field == "metadata.namespace":
		return namespace
	case field == "spec.nodeName":
		return "node-1"
	}
	return "example"
}

// expand replaces $(NAME) as the kubelet does: names that are not known stay, and
// $$ is a dollar sign.
func expand(text string, env map[string]string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, rest, closed := strings.Cut(strings.TrimPrefix(after, "("), ")")
		switch value, known := env[name]; {
		case strings.HasPrefix(after, "$"):
			b.WriteByte('$')
			text = after[1:]
		case strings.HasPrefix(after, "(") && closed && known:
			b.WriteString(value)
			text = rest
		default:
			b.WriteByte('$')
			text = after
		}
	}
}
