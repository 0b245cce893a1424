package embedded

import (
	"cmp"
	"crypto/rand"
	_ "embed" // the stages of kwok
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"
)

// The files in conf/ that programs read at start.
const (
	admissionFile  = "admission.yaml"
	encryptionFile = "encryption.yaml"
	auditFile      = "audit-policy.yaml"
	kwokFile       = "kwok.yaml"
)

// stages are how kwok plays the pods.
//
//go:embed stages.yaml
var stages []byte

// object is a document of a configuration file.
type object = map[string]any

// writeConf writes every configuration file and kubeconfig that differs.
func (pl planner) writeConf() error {
	key, err := pl.layout.encryptionKey()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		doc  object
	}{
		{admissionFile, pl.admission()}, {encryptionFile, pl.encryption(key)}, {auditFile, pl.auditPolicy()},
		{kwokFile, object{"apiVersion": "config.kwok.x-k8s.io/v1alpha1", "kind": "KwokConfiguration"}},
	} {
		data, err := yaml.Marshal(f.doc)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if f.name == kwokFile {
			data = append(append(data, "---\n"...), stages...)
		}
		if err := writeChanged(pl.layout.conf(f.name), data); err != nil {
			return err
		}
	}
	for _, user := range []string{"admin", "controller-manager", "scheduler", "kwok", "provider"} {
		if err := pl.writeKubeconfig(user); err != nil {
			return err
		}
	}
	return nil
}

// writeKubeconfig writes a kubeconfig that needs no other file.
func (pl planner) writeKubeconfig(user string) error {
	l := pl.layout
	parts := map[string][]byte{}
	for _, name := range []string{clusterCA + ".crt", user + ".crt", user + ".key"} {
		data, err := os.ReadFile(l.pki(name))
		if err != nil {
			return storage("read a certificate", l.root, err)
		}
		parts[name] = data
	}
	cfg := api.NewConfig()
	cfg.Clusters[l.name] = &api.Cluster{Server: "https://" + pl.addr(endpointPort), CertificateAuthorityData: parts[clusterCA+".crt"]}
	cfg.AuthInfos[user] = &api.AuthInfo{ClientCertificateData: parts[user+".crt"], ClientKeyData: parts[user+".key"]}
	cfg.Contexts[l.name] = &api.Context{Cluster: l.name, AuthInfo: user}
	cfg.CurrentContext = l.name
	data, err := clientcmd.Write(*cfg)
	if err != nil {
		return fmt.Errorf("kubeconfig of %s: %w", user, err)
	}
	return writeChanged(l.kubeconfig(user), data)
}

// admission sets the Pod Security level of namespaces that name none.
func (pl planner) admission() object {
	ps := pl.kube().PodSecurity
	version := "v" + strings.Join(strings.SplitN(strings.TrimPrefix(pl.spec.Kubernetes, "v"), ".", 3)[:2], ".")
	return object{
		"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration",
		"plugins": []any{object{
			"name": "PodSecurity",
			"configuration": object{
				"apiVersion": "pod-security.admission.config.k8s.io/v1", "kind": "PodSecurityConfiguration",
				"defaults": object{
					"enforce": cmp.Or(ps.Enforce, "baseline"), "enforce-version": version,
					"warn": cmp.Or(ps.Warn, "restricted"), "warn-version": version,
					"audit": cmp.Or(ps.Audit, "restricted"), "audit-version": version,
				},
				"exemptions": object{"usernames": []any{}, "runtimeClasses": []any{}, "namespaces": []any{"kube-system"}},
			},
		}},
	}
}

// encryption names both providers always, in the order of the setting, so that
// what was written before it changed can still be read.
func (pl planner) encryption(key string) object {
	secretbox := object{"secretbox": object{"keys": []any{object{"name": "key-1", "secret": key}}}}
	identity := object{"identity": object{}}
	providers := []any{identity, secretbox}
	if pl.kube().EncryptSecrets {
		providers = []any{secretbox, identity}
	}
	return object{
		"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
		"resources": []any{object{"resources": []any{"secrets"}, "providers": providers}},
	}
}

// encryptionKey reads the cluster's key for Secrets, or makes it. A key that
// cannot be read is an error: a new one would make every Secret unreadable.
func (l layout) encryptionKey() (string, error) {
	const size = 32 // what secretbox takes
	path := l.pki("secrets.key")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw := make([]byte, size)
		if _, err := rand.Read(raw); err != nil {
			return "", fmt.Errorf("key for Secrets: %w", err)
		}
		key := base64.StdEncoding.EncodeToString(raw)
		return key, writeFile(path, []byte(key+"\n"), true)
	}
	if err != nil {
		return "", storage("read the key for Secrets", l.root, err)
	}
	key := strings.TrimSpace(string(data))
	if raw, err := base64.StdEncoding.DecodeString(key); err != nil || len(raw) != size {
		return "", fmt.Errorf("%s is damaged, and the cluster's Secrets cannot be read without it; restore it, or remove the cluster with `platform down %s`", path, l.name)
	}
	return key, nil
}

// auditPolicy logs at the cluster's level, and never a body that can hold a
// secret. Health checks, events and the leases of simulated nodes and of API
// servers would drown the rest.
func (pl planner) auditPolicy() object {
	core := func(resources ...any) object { return object{"group": "", "resources": resources} }
	rules := []any{
		object{"level": "None", "nonResourceURLs": []any{"/healthz*", "/livez*", "/readyz*", "/metrics"}},
		object{"level": "None", "resources": []any{core("events"), object{"group": "events.k8s.io", "resources": []any{"events"}}}},
		object{
			"level": "None", "users": []any{"dualtrack:kwok", "system:apiserver"},
			"resources": []any{object{"group": "coordination.k8s.io", "resources": []any{"leases"}}, core("nodes/status")},
		},
		object{"level": "Metadata", "resources": []any{
			core("secrets", "configmaps", "serviceaccounts/token"),
			object{"group": "authentication.k8s.io", "resources": []any{"tokenreviews"}},
		}},
		object{"level": cmp.Or(pl.kube().Audit.Level, "Metadata")},
	}
	return object{
		"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
		"omitStages": []any{"RequestReceived"}, "omitManagedFields": true, "rules": rules,
	}
}
