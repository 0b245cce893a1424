package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"oras.land/oras-go/v2/registry/remote/retry"
)

const (
	dialTimeout = 10 * time.Second
	maxHops     = 5
	maxRetries  = 2
)

// newTransport opens connections: TLS 1.2 at least, through the proxy that the
// environment names.
func newTransport(o Options) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext,
		TLSClientConfig:     &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		DisableCompression: true, // an archive's bytes as they are
	}
}

// client makes requests whose answers may have so many bytes.
func (s *Store) client(most int64) *http.Client {
	return &http.Client{CheckRedirect: checkRedirect, Transport: &retry.Transport{
		Base:   &watched{next: s.transport, most: most, stall: s.o.Stall},
		Policy: func() retry.Policy { return retryPolicy() },
	}}
}

// retryPolicy asks again where a server says that it is busy.
func retryPolicy() retry.Policy {
	return &retry.GenericPolicy{
		Retryable: func(r *http.Response, err error) (bool, error) {
			if err != nil {
				return false, nil //nolint:nilerr // it is handed on by the caller
			}
			switch r.StatusCode {
			case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
				return true, nil
			}
			return false, nil
		},
		Backoff: retry.ExponentialBackoff(200*time.Millisecond, 2, 0.1),
		MinWait: 200 * time.Millisecond, MaxWait: 2 * time.Second, MaxRetry: maxRetries,
	}
}

// checkRedirect follows a few, to HTTPS only, and takes credentials to no other
// host or port.
func checkRedirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxHops:
		return fmt.Errorf("is redirected more than %d times", maxHops)
	case req.URL.Scheme != "https":
		return fmt.Errorf("is redirected to %s, which is not HTTPS", shown(req.URL.String()))
	case req.URL.Host != via[0].URL.Host:
		for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization", "Www-Authenticate"} {
			req.Header.Del(name)
		}
	}
	return nil
}

// TooLongError says that a server sends more than is taken.
type TooLongError struct{ Most int64 }

func (e *TooLongError) Error() string { return fmt.Sprintf("sends more than %d bytes", e.Most) }

// watched bounds answers in bytes, and how long nothing may come.
type watched struct {
	next  http.RoundTripper
	most  int64
	stall time.Duration
}

func (w *watched) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(w.stall, func() { cancel(fmt.Errorf("sent nothing for %s", w.stall)) })
	r, err := w.next.RoundTrip(req.WithContext(ctx))
	if err == nil && r.ContentLength > w.most {
		_ = r.Body.Close() // not read
		err = &TooLongError{w.most}
	}
	if err != nil {
		if timer.Stop(); context.Cause(ctx) != nil && req.Context().Err() == nil {
			err = context.Cause(ctx)
		}
		cancel(nil)
		return nil, err
	}
	r.Body = &watchedBody{body: r.Body, left: w.most, of: w, timer: timer, ctx: ctx, cancel: cancel}
	return r, nil
}

// watchedBody is an answer's body.
type watchedBody struct {
	body   io.ReadCloser
	left   int64
	of     *watched
	timer  *time.Timer
	ctx    context.Context //nolint:containedctx // says why reading ended
	cancel context.CancelCauseFunc
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.timer.Reset(b.of.stall)
	if b.left -= int64(n); b.left < 0 {
		return 0, &TooLongError{b.of.most}
	}
	if err != nil && b.ctx.Err() != nil { // a server that sees us go may end its answer properly
		err = context.Cause(b.ctx)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.timer.Stop()
	b.cancel(nil)
	return b.body.Close()
}

// download gets a file by HTTPS.
func (s *Store) download(ctx context.Context, address string, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || req.URL.Scheme != "https" {
		return nil, fmt.Errorf("%s is no address that begins with https://", shown(address))
	}
	login, err := s.login(req.URL.Hostname())
	if err != nil {
		return nil, err
	}
	if login != nil {
		req.SetBasicAuth(login.User, login.Password)
	}
	r, err := s.client(most).Do(req)
	if err != nil {
		return nil, plain(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil, statusError(r, login != nil)
	}
	data, err := io.ReadAll(r.Body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the connection ended after %d bytes", len(data))
	}
	return data, err
}

func statusError(r *http.Response, loggedIn bool) error {
	what := fmt.Errorf("answers %s to %s", r.Status, shown(r.Request.URL.String()))
	if r.StatusCode != http.StatusUnauthorized && r.StatusCode != http.StatusForbidden {
		return what
	}
	if loggedIn {
		return fmt.Errorf("%w: the login that .netrc has for this host is refused", what)
	}
	return fmt.Errorf("%w: .netrc has no login for this host", what)
}

// plain takes the address out of a client's error: it may carry a signature, and
// the caller has said it.
func plain(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// shown is an address without what may be secret.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Host == "" {
		before, _, _ := strings.Cut(address, "?")
		return before
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
