package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// api is a connection to one API server.
type api struct {
	server string
	client *http.Client
}

// kubeconfig is the part of the file that kubeadm writes for a kubelet.
type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server string `yaml:"server"`
			CA     string `yaml:"certificate-authority-data"`
		} `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		User struct {
			CertFile string `yaml:"client-certificate"`
			KeyFile  string `yaml:"client-key"`
			Cert     string `yaml:"client-certificate-data"`
			Key      string `yaml:"client-key-data"`
		} `yaml:"user"`
	} `yaml:"users"`
}

func readKubeconfig(path string) (*api, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	a, err := parseKubeconfig(data)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	return a, nil
}

func parseKubeconfig(data []byte) (*api, error) {
	var k kubeconfig
	if err := yaml.Unmarshal(data, &k); err != nil {
		return nil, err
	}
	if len(k.Clusters) != 1 || len(k.Users) != 1 || !strings.HasPrefix(k.Clusters[0].Cluster.Server, "https://") {
		return nil, errors.New("one cluster with an https server and one user are expected")
	}
	ca, err := base64.StdEncoding.DecodeString(k.Clusters[0].Cluster.CA)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("authority: no certificate in it")
	}
	user := k.Users[0].User
	certificate := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c, err := keyPair(user.CertFile, user.KeyFile, user.Cert, user.Key)
		return &c, err
	}
	transport := &http.Transport{
		TLSClientConfig:       &tls.Config{RootCAs: pool, GetClientCertificate: certificate, MinVersion: tls.VersionTLS12},
		ResponseHeaderTimeout: 10 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
	}
	return &api{server: k.Clusters[0].Cluster.Server, client: &http.Client{Transport: transport}}, nil
}

// keyPair reads the files at each handshake: the kubelet renews them.
func keyPair(certFile, keyFile, cert, key string) (tls.Certificate, error) {
	if certFile != "" {
		return tls.LoadX509KeyPair(certFile, keyFile)
	}
	c, err := base64.StdEncoding.DecodeString(cert)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("client certificate: %w", err)
	}
	k, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("client key: %w", err)
	}
	return tls.X509KeyPair(c, k)
}

// get reads an answer of the API, for at most a watch's time and a little.
func (a *api) get(ctx context.Context, path string, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, watchFor+10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.server+path, nil)
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	answer, err := a.client.Do(request)
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return statusError(path, answer)
	}
	return read(answer.Body)
}
