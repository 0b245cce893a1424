// Package remote reads what components take from outside the repository: charts
// of HTTP repositories, artifacts of OCI registries, folders of Git
// repositories. It resolves them for platform.lock, fetches what the lock pins
// into the user's cache, checks every byte against the lock each time, and
// copies it to mirrors. It opens connections by HTTPS only, runs nothing of what
// it fetches, and never resolves anything while reading what is locked.
package remote

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/source/archive"
)

// Options say where sources are read from and kept.
type Options struct {
	CacheDir string
	Mirror   string              // folder, or oci://… of a registry; "" reads from where the lock says
	Offline  bool                // open no connection
	Getenv   func(string) string // HOME, NETRC and DOCKER_CONFIG: where credentials stand
	Say      func(string)        // is told before something is fetched; nil tells nobody
	Roots    *x509.CertPool      // authorities of servers; nil means the system's, or SSL_CERT_FILE
	Timeout  time.Duration       // for one source in all; 0 means 5 minutes
	Stall    time.Duration       // without a byte; 0 means 30 seconds
}

// Store reads remote sources through the cache. It is safe for use by several
// goroutines and beside other processes. The caller closes it.
type Store struct {
	o         Options
	transport *http.Transport
}

var _ catalog.Remotes = (*Store)(nil)

// New prepares reading; it opens nothing yet.
func New(o Options) *Store {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Minute
	}
	if o.Stall <= 0 {
		o.Stall = 30 * time.Second
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	return &Store{o: o, transport: newTransport(o)}
}

// Close lets go of idle connections.
func (s *Store) Close() { s.transport.CloseIdleConnections() }

// Dir is the folder of the cache that holds remote sources.
func Dir(cacheDir string) string { return filepath.Join(cacheDir, "sources") }

// ErrNotCached says that --offline was asked for and the cache lacks a source.
var ErrNotCached = errors.New("it is not in the cache, and nothing is fetched with --offline; run `platform lock` once with the network, or name a mirror with --mirror")

// Files implements catalog.Remotes.
func (s *Store) Files(ctx context.Context, c *catalog.Component, locked catalog.LockedSource) (map[string][]byte, error) {
	data, err := s.bytes(ctx, c.Name, locked)
	if err != nil {
		return nil, err
	}
	files, err := unpack(data, locked.Format)
	if err != nil {
		return nil, &finding.Problem{Position: locked.Position, Field: field(c.Name), What: err.Error(),
			Mend: "pin another version; this archive is not used"}
	}
	return files, nil
}

func unpack(data []byte, format string) (map[string][]byte, error) {
	if format == catalog.FormatChart {
		return archive.Chart(data)
	}
	return archive.Files(data)
}

func field(component string) string { return "spec.sources." + component }

// bytes gives a locked archive, from the cache or from where it is to be had.
func (s *Store) bytes(ctx context.Context, component string, locked catalog.LockedSource) ([]byte, error) {
	if data, ok := s.cached(locked); ok {
		return data, nil
	}
	var data []byte
	err := s.hold(ctx, locked.Digest, func(ctx context.Context) error {
		var there bool
		if data, there = s.cached(locked); there { // another process was quicker
			return nil
		}
		var err error
		if data, err = s.fetch(ctx, component, locked); err != nil {
			return err
		}
		return s.keep(locked.Digest, data)
	})
	if problems, _ := finding.Gather(err); err == nil || len(problems) > 0 {
		return data, err
	}
	if _, said := errors.AsType[*catalog.UnavailableError](err); !said { // the cache is at fault
		err = &catalog.UnavailableError{Component: component, From: shown(locked.URL), Err: err}
	}
	return nil, err
}

// fetch gets a locked archive from its mirror or its origin.
func (s *Store) fetch(ctx context.Context, component string, locked catalog.LockedSource) ([]byte, error) {
	from := locked.URL
	if s.o.Mirror != "" {
		from = s.o.Mirror
	}
	if s.o.Offline && (s.o.Mirror == "" || isRegistry(s.o.Mirror)) {
		return nil, &catalog.UnavailableError{Component: component, From: from, Err: ErrNotCached}
	}
	s.o.Say(fmt.Sprintf("fetching %s %s from %s", component, locked.Version, shown(from)))
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.Timeout, fmt.Errorf("took longer than %s", s.o.Timeout))
	defer cancel()
	data, err := s.get(ctx, locked)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
			err = cause
		}
		if long, ok := errors.AsType[*TooLongError](err); ok {
			return nil, s.other(component, locked, fmt.Sprintf("more than %d bytes", long.Most), from)
		}
		return nil, &catalog.UnavailableError{Component: component, From: shown(from), Err: err}
	}
	if got := digest(data); got != locked.Digest {
		return nil, s.other(component, locked, fmt.Sprintf("%d bytes of %s", len(data), got), from)
	}
	return data, nil
}

// other says that what is served is not what is pinned.
func (s *Store) other(component string, locked catalog.LockedSource, got, from string) error {
	mend := "find out why they are others; `platform lock --upgrade " + component + "` asks for a new pin"
	if s.o.Mirror != "" {
		mend = "fill the mirror again with `platform vendor`"
	}
	return &finding.Problem{Position: locked.Position, Field: field(component),
		What: fmt.Sprintf("pins %d bytes of %s, and %s gives %s, which are not used", locked.Size, locked.Digest, shown(from), got), Mend: mend}
}

// get gives the bytes, unchecked.
func (s *Store) get(ctx context.Context, locked catalog.LockedSource) ([]byte, error) {
	switch {
	case isRegistry(s.o.Mirror):
		return s.blob(ctx, s.o.Mirror, locked)
	case s.o.Mirror != "":
		return readBlob(s.o.Mirror, locked)
	case isRegistry(locked.URL):
		return s.blob(ctx, locked.URL, locked)
	case isGit(locked):
		return s.commit(ctx, locked)
	}
	return s.download(ctx, locked.URL, int64(locked.Size))
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
