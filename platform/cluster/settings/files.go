package settings

import (
	"cmp"
	"slices"
	"strings"
)

// Object is a document of a configuration file.
type Object = map[string]any

// Admission sets the Pod Security level of namespaces that name none.
func (s Settings) Admission() Object {
	ps := s.kube().PodSecurity
	version := "v" + strings.Join(strings.SplitN(strings.TrimPrefix(s.kubernetes, "v"), ".", 3)[:2], ".")
	return Object{
		"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration",
		"plugins": []any{Object{
			"name": "PodSecurity",
			"configuration": Object{
				"apiVersion": "pod-security.admission.config.k8s.io/v1", "kind": "PodSecurityConfiguration",
				"defaults": Object{
					"enforce": cmp.Or(ps.Enforce, "baseline"), "enforce-version": version,
					"warn": cmp.Or(ps.Warn, "restricted"), "warn-version": version,
					"audit": cmp.Or(ps.Audit, "restricted"), "audit-version": version,
				},
				"exemptions": Object{"usernames": []any{}, "runtimeClasses": []any{}, "namespaces": []any{"kube-system"}},
			},
		}},
	}
}

// Encryption names both providers always, in the order of the setting, so that
// what was written before it changed can still be read. The key is base64 of 32
// bytes.
func (s Settings) Encryption(key string) Object {
	secretbox := Object{"secretbox": Object{"keys": []any{Object{"name": "key-1", "secret": key}}}}
	identity := Object{"identity": Object{}}
	providers := []any{identity, secretbox}
	if s.kube().EncryptSecrets {
		providers = []any{secretbox, identity}
	}
	return Object{
		"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
		"resources": []any{Object{"resources": []any{"secrets"}, "providers": providers}},
	}
}

// Quiet names accounts that only keep their nodes and leases alive: a provider's
// own, and groups of them.
type Quiet struct{ Users, Groups []string }

// AuditPolicy logs at the cluster's level, and never a body that can hold a
// secret. Health checks, events, and the leases and states of nodes and of API
// servers would drown the rest.
func (s Settings) AuditPolicy(quiet Quiet) Object {
	core := func(resources ...any) Object { return Object{"group": "", "resources": resources} }
	leases := []any{Object{"group": "coordination.k8s.io", "resources": []any{"leases"}}, core("nodes/status")}
	rules := []any{
		Object{"level": "None", "nonResourceURLs": []any{"/healthz*", "/livez*", "/readyz*", "/metrics"}},
		Object{"level": "None", "resources": []any{core("events"), Object{"group": "events.k8s.io", "resources": []any{"events"}}}},
		Object{"level": "None", "users": anyOf(append(slices.Clone(quiet.Users), "system:apiserver")), "resources": leases},
	}
	if len(quiet.Groups) > 0 {
		rules = append(rules, Object{"level": "None", "userGroups": anyOf(quiet.Groups), "resources": leases})
	}
	rules = append(rules,
		Object{"level": "Metadata", "resources": []any{
			core("secrets", "configmaps", "serviceaccounts/token"),
			Object{"group": "authentication.k8s.io", "resources": []any{"tokenreviews"}},
		}},
		Object{"level": cmp.Or(s.kube().Audit.Level, "Metadata")},
	)
	return Object{
		"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
		"omitStages": []any{"RequestReceived"}, "omitManagedFields": true, "rules": rules,
	}
}

func anyOf(list []string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}
