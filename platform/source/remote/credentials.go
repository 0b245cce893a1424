package remote

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// maxNetrc bounds a .netrc, in bytes.
const maxNetrc = 1 << 20

// login is a user's name and password at one host. Nothing prints it.
type login struct{ user, password string }

// login finds what .netrc has for a host, nil without one.
func (s *Store) login(host string) (*login, error) {
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
	return findLogin(string(text), host), nil
}

// findLogin reads a .netrc, as ftp(1) and curl do: the first machine of the
// name, or default. Macros are left out.
func findLogin(text, host string) *login {
	var found *login
	take := false // the entry that is being read is the one
	macro := false
	for line := range strings.Lines(text) {
		if macro = macro && strings.TrimSpace(line) != ""; macro {
			continue
		}
		words := strings.Fields(line)
		for i := 0; i < len(words); i++ {
			word, next := words[i], ""
			if strings.HasPrefix(word, "#") {
				break
			}
			if i+1 < len(words) {
				next = strings.Trim(words[i+1], `"`)
			}
			switch word {
			case "machine", "default":
				if found != nil {
					return found
				}
				if take = word == "default" || strings.EqualFold(next, host); take {
					found = &login{}
				}
			case "macdef":
				macro = true
			}
			if macro {
				break
			}
			if take && word == "login" {
				found.user = next
			}
			if take && word == "password" {
				found.password = next
			}
			if word != "default" {
				i++
			}
		}
	}
	return found
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
