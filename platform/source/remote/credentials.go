package remote

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"dualtrack.internal/platform/source/netrc"
)

// maxNetrc bounds a .netrc, in bytes.
const maxNetrc = 1 << 20

// login finds what .netrc has for a host, nil without one.
func (s *Store) login(host string) (*netrc.Login, error) {
	file := s.o.Getenv("NETRC")
	if home := s.o.Getenv("HOME"); file == "" && home != "" {
		file = filepath.Join(home, ".netrc")
	}
	if file == "" {
		return nil, nil
	}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && info.Size() > maxNetrc {
		err = fmt.Errorf("has more than %d bytes", maxNetrc)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("credentials in %s: %w", file, err)
	}
	return netrc.Find(string(text), host), nil
}

// docker gives what Docker's configuration has for registries: its own words or
// its credential helpers'.
func (s *Store) docker() (auth.CredentialFunc, error) {
	dir := s.o.Getenv("DOCKER_CONFIG")
	if home := s.o.Getenv("HOME"); dir == "" && home != "" {
		dir = filepath.Join(home, ".docker")
	}
	if dir == "" {
		return nil, nil
	}
	file := filepath.Join(dir, "config.json")
	store, err := credentials.NewStore(file, credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("credentials in %s: %w", file, cmp.Or(errors.Unwrap(err), err))
	}
	return credentials.Credential(store), nil
}
