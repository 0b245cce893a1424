package embedded

import (
	_ "embed" // the stages of kwok
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/settings"
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
type object = settings.Object

// writeConf writes every configuration file and kubeconfig that differs.
func (pl planner) writeConf() error {
	key, err := cluster.SecretsKey(pl.layout.name, pl.layout.pki("secrets.key"))
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
		if err := pl.writeKubeconfigTo(user, "https://"+pl.addr(endpointPort), ""); err != nil {
			return err
		}
	}
	return pl.writeNodeConf()
}

// writeKubeconfigTo writes a kubeconfig that needs no other file. The server is
// checked by its address, or by a name.
func (pl planner) writeKubeconfigTo(user, server, name string) error {
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
	cfg.Clusters[l.name] = &api.Cluster{Server: server, TLSServerName: name, CertificateAuthorityData: parts[clusterCA+".crt"]}
	cfg.AuthInfos[user] = &api.AuthInfo{ClientCertificateData: parts[user+".crt"], ClientKeyData: parts[user+".key"]}
	cfg.Contexts[l.name] = &api.Context{Cluster: l.name, AuthInfo: user}
	cfg.CurrentContext = l.name
	data, err := clientcmd.Write(*cfg)
	if err != nil {
		return fmt.Errorf("kubeconfig of %s: %w", user, err)
	}
	return writeChanged(l.kubeconfig(user), data)
}

func (pl planner) settings() settings.Settings {
	return settings.Of(pl.spec.Cluster, pl.spec.Kubernetes)
}
func (pl planner) admission() object            { return pl.settings().Admission() }
func (pl planner) encryption(key string) object { return pl.settings().Encryption(key) }
func (pl planner) auditPolicy() object {
	return pl.settings().AuditPolicy(settings.Quiet{Users: []string{"dualtrack:kwok"}})
}
