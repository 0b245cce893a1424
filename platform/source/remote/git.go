package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source"
	"dualtrack.internal/platform/source/archive"
)

// maxPack bounds what one fetch of Git may bring, in bytes.
const maxPack = 256 << 20

func isGit(locked catalog.LockedSource) bool { return strings.HasPrefix(locked.Wants, "git+") }

// repositoryAt is a Git server's repository.
type repositoryAt struct {
	session transport.UploadPackSession
	refs    *packp.AdvRefs
}

// open asks a Git server what it has.
func (s *Store) open(ctx context.Context, address string) (*repositoryAt, error) {
	at, err := transport.NewEndpoint(address)
	if err != nil {
		return nil, err
	}
	login, err := s.login(at.Host)
	if err != nil {
		return nil, err
	}
	var method transport.AuthMethod
	if login != nil {
		method = &githttp.BasicAuth{Username: login.User, Password: login.Password}
	}
	session, err := githttp.NewClient(s.client(maxPack)).NewUploadPackSession(at, method)
	if err != nil {
		return nil, err
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, gitError(err, login != nil)
	}
	return &repositoryAt{session: session, refs: refs}, nil
}

// gitError says where credentials are looked for.
func gitError(err error, loggedIn bool) error {
	switch refused := errors.Is(err, transport.ErrAuthenticationRequired) || errors.Is(err, transport.ErrAuthorizationFailed); {
	case refused && loggedIn:
		return fmt.Errorf("%w: the login that .netrc has for this host is refused", err)
	case refused:
		return fmt.Errorf("%w: .netrc has no login for this host", err)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return transport.ErrRepositoryNotFound // without what the server's page says
	}
	return fmt.Errorf("ask for Git's branches and tags: %w", plain(err))
}

// folder resolves a folder of a Git repository and gets it.
func (s *Store) folder(ctx context.Context, g *catalog.Git) (catalog.LockedSource, []byte, error) {
	locked := catalog.LockedSource{Version: g.Ref.Name(), URL: g.URL, Format: catalog.FormatFiles}
	repo, err := s.open(ctx, g.URL)
	if err != nil {
		return locked, nil, err
	}
	hash, err := repo.resolve(g.Ref)
	if err != nil {
		return locked, nil, err
	}
	locked.Revision = hash.String()
	data, err := s.pack(ctx, repo, hash, g.Path)
	return locked, data, err
}

// commit gets a locked folder of a Git repository.
func (s *Store) commit(ctx context.Context, locked catalog.LockedSource) ([]byte, error) {
	repo, err := s.open(ctx, locked.URL)
	if err != nil {
		return nil, err
	}
	_, folder, _ := strings.Cut(strings.TrimPrefix(locked.Wants, "git+https://"), "//")
	return s.pack(ctx, repo, plumbing.NewHash(locked.Revision), folder)
}

func (r *repositoryAt) resolve(ref catalog.GitRef) (plumbing.Hash, error) {
	if ref.Commit != "" {
		return plumbing.NewHash(ref.Commit), nil
	}
	name := "refs/heads/" + ref.Branch
	if ref.Tag != "" {
		name = "refs/tags/" + ref.Tag
	}
	if hash, annotated := r.refs.Peeled[name]; annotated {
		return hash, nil
	}
	hash, there := r.refs.References[name]
	if !there {
		return hash, fmt.Errorf("it has no %s", strings.Replace(ref.Name(), "/", " ", 1))
	}
	return hash, nil
}

// pack fetches a commit and makes an archive of a folder of it. Git's objects
// are checked against their names as they come.
func (s *Store) pack(ctx context.Context, repo *repositoryAt, hash plumbing.Hash, folder string) (data []byte, err error) {
	name := "git-" + hash.String()
	err = s.hold(ctx, name, func(ctx context.Context) error {
		data, err = s.packIn(ctx, filepath.Join(Dir(s.o.CacheDir), name), repo, hash, folder)
		return err
	})
	return data, err
}

// packIn is pack with a folder for Git's objects, which a killed process may have
// left.
func (s *Store) packIn(ctx context.Context, dir string, repo *repositoryAt, hash plumbing.Hash, folder string) ([]byte, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the next run or `cache prune` removes what stays
	storage := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRUDefault())
	defer func() { _ = storage.Close() }() // it goes with its folder
	local, err := git.Init(storage, nil)
	if err != nil {
		return nil, err
	}
	if err := repo.fetch(ctx, storage, hash); err != nil {
		return nil, err
	}
	files, err := source.FilesOf(local, hash, folder)
	if err != nil {
		return nil, err
	}
	return archive.Write(files)
}

// fetch brings a commit: alone where the server gives it so, else with the
// history of all branches and tags.
func (r *repositoryAt) fetch(ctx context.Context, into *filesystem.Storage, hash plumbing.Hash) error {
	req := packp.NewUploadPackRequestFromCapabilities(r.refs.Capabilities)
	wanted := []plumbing.Hash{hash}
	if !r.gives(hash) {
		wanted = wanted[:0]
		for _, tip := range r.refs.References {
			wanted = append(wanted, tip)
		}
		slices.SortFunc(wanted, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
		wanted = slices.Compact(wanted)
	} else if r.refs.Capabilities.Supports(capability.Shallow) {
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return err
		}
		req.Depth = packp.DepthCommits(1)
	}
	req.Wants = wanted
	answer, err := r.session.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Close() }() // only read
	if err := packfile.UpdateObjectStorage(into, demuxed(req.Capabilities, answer)); err != nil {
		return fmt.Errorf("read Git's answer: %w", err)
	}
	return nil
}

// gives says whether the server hands out a commit that is asked for by name.
func (r *repositoryAt) gives(hash plumbing.Hash) bool {
	for _, c := range []capability.Capability{"allow-reachable-sha1-in-want", "allow-any-sha1-in-want"} {
		if r.refs.Capabilities.Supports(c) {
			return true
		}
	}
	for name, tip := range r.refs.References {
		if tip == hash || r.refs.Peeled[name] == hash && r.refs.Capabilities.Supports("allow-tip-sha1-in-want") {
			return true
		}
	}
	return false
}

func demuxed(list *capability.List, in io.Reader) io.Reader {
	switch {
	case list.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, in)
	case list.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, in)
	}
	return in
}
