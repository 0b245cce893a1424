package validate

import (
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

func (s *Subject) problem(format string, args ...any) {
	s.Problems = append(s.Problems, Problem{Message: fmt.Sprintf(format, args...)})
}

// mount puts a volume's files where the container sees them.
func (s *Subject) mount(m corev1.VolumeMount, v corev1.Volume, held objects, namespace string) {
	files, kind := s.volume(v, held, namespace)
	switch {
	case kind == dirVolume:
		s.Dirs = append(s.Dirs, m.MountPath)
	case m.SubPath != "":
		if text, ok := files[m.SubPath]; ok {
			s.Files[m.MountPath] = text
		} else if kind == fileVolume {
			s.problem("mounts %s of the volume %s, which has no such file", m.SubPath, m.Name)
		}
	default:
		for name, text := range files {
			s.Files[path.Join(m.MountPath, name)] = text
		}
		if kind == secretVolume {
			s.Secrets = append(s.Secrets, m.MountPath)
		}
	}
}

// kinds of volumes
const (
	fileVolume   = "files"     // all its files are known
	secretVolume = "secret"    // some of its files are in no repository
	dirVolume    = "directory" // it has no files of ours
)

// volume reads what a volume holds: path in it → text.
func (s *Subject) volume(v corev1.Volume, held objects, namespace string) (map[string]string, string) {
	switch {
	case v.ConfigMap != nil:
		optional := v.ConfigMap.Optional != nil && *v.ConfigMap.Optional
		return s.keys("ConfigMap "+namespace+"/"+v.ConfigMap.Name, v.ConfigMap.Items, optional, held), fileVolume
	case v.Secret != nil:
		return s.secret("Secret "+namespace+"/"+v.Secret.SecretName, v.Secret.Items, held)
	case v.Projected != nil:
		return s.projected(v.Projected, held, namespace)
	}
	return nil, dirVolume
}

func (s *Subject) projected(p *corev1.ProjectedVolumeSource, held objects, namespace string) (map[string]string, string) {
	files, kind := map[string]string{}, fileVolume
	for _, source := range p.Sources {
		switch {
		case source.ConfigMap != nil:
			optional := source.ConfigMap.Optional != nil && *source.ConfigMap.Optional
			maps.Copy(files, s.keys("ConfigMap "+namespace+"/"+source.ConfigMap.Name, source.ConfigMap.Items, optional, held))
		case source.Secret != nil:
			part, partKind := s.secret("Secret "+namespace+"/"+source.Secret.Name, source.Secret.Items, held)
			maps.Copy(files, part)
			kind = max(kind, partKind) // "secret" sorts after "files"
		default:
			kind = secretVolume // tokens and fields of the pod
		}
	}
	return files, kind
}

// secret reads a Secret of the bundle; one that is made elsewhere is expected.
func (s *Subject) secret(name string, items []corev1.KeyToPath, held objects) (map[string]string, string) {
	data, ok := held[name]
	if !ok {
		return nil, secretVolume
	}
	plain := map[string]string{}
	for key, value := range data {
		if decoded, err := base64.StdEncoding.DecodeString(value); err == nil {
			value = string(decoded)
		}
		plain[key] = value
	}
	return s.keys(name, items, false, objects{name: plain}), fileVolume
}

// keys are an object's keys as files, all of them or those of items.
func (s *Subject) keys(name string, items []corev1.KeyToPath, optional bool, held objects) map[string]string {
	data, ok := held[name]
	if !ok {
		if !optional {
			s.problem("mounts %s, which the cluster's bundle does not hold", name)
		}
		return nil
	}
	if len(items) == 0 {
		return data
	}
	out := map[string]string{}
	for _, item := range items {
		text, ok := data[item.Key]
		if !ok && !optional {
			s.problem("mounts the key %s of %s, which has %v", item.Key, name, slices.Sorted(maps.Keys(data)))
		}
		out[item.Path] = text
	}
	return out
}
