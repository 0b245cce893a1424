package apply

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	ssaerrors "github.com/fluxcd/pkg/ssa/errors"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/finding"
)

// What can go wrong, to be asked for with errors.Is.
var (
	// ErrUnreachable: the API server did not answer.
	ErrUnreachable = errors.New("API server unreachable")
	// ErrNotReady: an earlier stage was not ready in time; Result.Waiting says why.
	ErrNotReady = errors.New("not ready in time")
	// ErrOtherCluster: the inventory found belongs to another cluster's name.
	ErrOtherCluster = errors.New("the inventory belongs to another cluster")
	// ErrImmutable: the change needs the object to be deleted and made anew.
	ErrImmutable = errors.New("immutable field")
	// ErrInvalid: the API server's validation or an admission rule refused it.
	ErrInvalid = errors.New("invalid")
	// ErrForbidden: not allowed, by RBAC, quota or Pod Security.
	ErrForbidden = errors.New("forbidden")
	// ErrConflict: someone else changed the object in between.
	ErrConflict = errors.New("conflict")
	// ErrTimeout: no answer to this request in time.
	ErrTimeout = errors.New("timed out")
	// ErrNotServed: the cluster does not serve the kind.
	ErrNotServed = errors.New("kind not served")
)

// ObjectError is what a cluster refused, with the object.
type ObjectError struct {
	Object finding.Object
	Kind   error // one of the package's errors, or nil
	Err    error // in the server's words
}

// Error gives "Deployment web/api: immutable field: …".
func (e *ObjectError) Error() string {
	if e.Kind == nil {
		return e.Object.String() + ": " + e.Words()
	}
	return fmt.Sprintf("%s: %v: %s", e.Object, e.Kind, e.Words())
}

// Words are the server's, which may quote the field it refuses: of a Secret
// only the reason is told.
func (e *ObjectError) Words() string { return Words(e.Object, e.Err) }

// Words tells a server's error about an object without the client's wrapping,
// and without any value of a Secret.
func Words(o finding.Object, err error) string {
	var answer apierrors.APIStatus
	switch {
	case !errors.As(err, &answer):
		return err.Error()
	case o.Kind == "Secret":
		return fmt.Sprintf("the API server refused it (%s); its words may hold the value", answer.Status().Reason)
	}
	return answer.Status().Message
}

// Unwrap gives both the kind and the server's error.
func (e *ObjectError) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Err}
	}
	return []error{e.Kind, e.Err}
}

func objectError(o finding.Object, err error) *ObjectError {
	if dry, ok := errors.AsType[*ssaerrors.DryRunErr](err); ok && dry.Unwrap() != nil {
		err = dry.Unwrap() // the object is named already
	}
	return &ObjectError{Object: o, Kind: kindOf(err), Err: err}
}

func kindOf(err error) error {
	switch {
	case Unreachable(err):
		return ErrUnreachable
	case meta.IsNoMatchError(err):
		return ErrNotServed
	case apierrors.IsForbidden(err):
		return ErrForbidden
	case apierrors.IsConflict(err):
		return ErrConflict
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsInternalError(err):
		if strings.Contains(err.Error(), "immutable") {
			return ErrImmutable
		}
		if apierrors.IsInternalError(err) {
			return nil
		}
		return ErrInvalid
	case apierrors.IsTimeout(err), apierrors.IsServerTimeout(err), errors.Is(err, context.DeadlineExceeded):
		return ErrTimeout
	case apierrors.IsNotFound(err):
		return ErrNotServed
	}
	return nil
}

// Unreachable says that err came from not getting an answer, rather than from
// the answer: refused, reset or timed out below HTTP. A cancelled context is
// nobody's fault and not unreachable.
func Unreachable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if errors.Is(err, ErrUnreachable) {
		return true
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return false
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	if groups, ok := errors.AsType[*discovery.ErrGroupDiscoveryFailed](err); ok {
		for _, e := range groups.Groups {
			if Unreachable(e) {
				return true
			}
		}
	}
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() && !errors.Is(err, context.DeadlineExceeded)
}

// fail names the cluster and says whether it was reached at all.
func (a *Applier) fail(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), context.Canceled):
		return fmt.Errorf("cluster %s: %w", a.name, context.Canceled)
	case errors.Is(err, ErrUnreachable):
		return fmt.Errorf("cluster %s: %w", a.name, err)
	case Unreachable(err):
		return fmt.Errorf("cluster %s: %w: %w", a.name, ErrUnreachable, err)
	}
	return fmt.Errorf("cluster %s: %w", a.name, err)
}

// Tune copies a client configuration for the engine's use: no client-side
// throttling (the API server has its own), no warnings on stderr, and a bound
// for each request.
func Tune(cfg *rest.Config, timeout time.Duration) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1
	cfg.Timeout = timeout
	cfg.WarningHandler = rest.NoWarnings{}
	cfg.DisableCompression = true
	cfg.UserAgent = FieldManager
	return cfg
}

// bare is cfg for requests to paths outside any API group.
func bare(cfg *rest.Config) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	return cfg
}

// Ping asks the API server for its version: the cheapest sign of life, which
// needs no store. Its error holds ErrUnreachable when nothing answered.
func Ping(ctx context.Context, c rest.Interface) error {
	err := c.Get().AbsPath("/version").Do(ctx).Error()
	if err != nil && Unreachable(err) {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return err
}

// Pinger makes what Ping needs out of a configuration and its HTTP client.
func Pinger(cfg *rest.Config, hc *http.Client) (rest.Interface, error) {
	return rest.UnversionedRESTClientForConfigAndClient(bare(cfg), hc)
}
