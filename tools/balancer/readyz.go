package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// readyzCheck returns a check that passes when https://ADDR/readyz answers 200.
// The body does not count: a failing answer lists parts that are "ok" too.
func readyzCheck(opt options) (func(ctx context.Context, addr string) error, error) {
	pem, err := os.ReadFile(opt.ca)
	if err != nil {
		return nil, fmt.Errorf("CA certificates: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("CA certificates: no certificate in " + opt.ca)
	}
	cert, err := tls.LoadX509KeyPair(opt.cert, opt.key)
	if err != nil {
		return nil, fmt.Errorf("client certificate: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		MaxConnsPerHost: 2,
	}}
	return func(ctx context.Context, addr string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+addr+"/readyz", nil)
		if err != nil {
			return fmt.Errorf("check %s: %w", addr, err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return fmt.Errorf("check %s: %w", addr, err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection is used again
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("check %s: /readyz answers %s", addr, resp.Status)
		}
		return nil
	}, nil
}
