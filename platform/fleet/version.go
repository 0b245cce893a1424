package fleet

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/track"
)

// renewable adds the mend to an error about a certificate that expired.
func renewable(err error) error {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Errorf("%w; `platform up` renews the cluster's certificates", err)
	}
	return err
}

// versionWait bounds a question that decides nothing.
const versionWait = 5 * time.Second

// serverVersion asks the API server for its version; "" when it does not say.
func serverVersion(ctx context.Context, access cluster.Access) string {
	ctx, cancel := context.WithTimeout(ctx, versionWait)
	defer cancel()
	client, err := rest.HTTPClientFor(track.ReadOnly(access.Config))
	if err != nil {
		return ""
	}
	defer client.CloseIdleConnections()
	host, err := apply.Pinger(track.ReadOnly(access.Config), client)
	if err != nil {
		return ""
	}
	data, err := host.Get().AbsPath("/version").Do(ctx).Raw()
	if err != nil {
		return ""
	}
	var v version.Info
	if json.Unmarshal(data, &v) != nil {
		return ""
	}
	return v.GitVersion
}
