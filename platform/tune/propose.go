package tune

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Proposal is a commit to be made.
type Proposal struct {
	Cluster  string // its name
	File     string // cluster.yaml, from the repository's root, with slashes
	Change   Change
	Evidence string // figures, for the commit's message
	Profile  []byte // may be empty
	At       time.Time
}

// Committed is what was made.
type Committed struct {
	Branch string `json:"branch"`
	Commit string `json:"commit"`
}

// Propose makes the commit on a branch of its own, from the commit that is checked
// out. It writes objects and one reference: no file that is checked out, no index,
// and no branch that exists.
func Propose(dir string, p Proposal) (Committed, error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true})
	if err != nil {
		return Committed{}, fmt.Errorf("open the Git repository at %s: %w", dir, err)
	}
	head, err := repo.Head()
	if err != nil {
		return Committed{}, fmt.Errorf("the commit that is checked out: %w", err)
	}
	base, err := repo.CommitObject(head.Hash())
	if err != nil {
		return Committed{}, fmt.Errorf("commit %s: %w", head.Hash(), err)
	}
	tree, err := base.Tree()
	if err != nil {
		return Committed{}, fmt.Errorf("commit %s: %w", head.Hash(), err)
	}
	files, err := p.files(tree)
	if err != nil {
		return Committed{}, err
	}
	root, err := p.write(repo, tree, files)
	if err != nil {
		return Committed{}, err
	}
	return p.commit(repo, base.Hash, root)
}

// files are what the commit changes: path → text.
func (p Proposal) files(tree *object.Tree) (map[string][]byte, error) {
	f, err := tree.File(p.File)
	if err != nil {
		return nil, fmt.Errorf("%s in the commit that is checked out: %w; commit it first", p.File, err)
	}
	text, err := f.Contents()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.File, err)
	}
	edited, err := Edit([]byte(text), p.Change.From, p.Change.To)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.File, err)
	}
	out := map[string][]byte{p.File: edited}
	if len(p.Profile) > 0 {
		out[path.Join("evidence", "tune", p.name()+".pprof")] = p.Profile
	}
	return out, nil
}

func (p Proposal) name() string { return p.Cluster + "-" + p.At.UTC().Format("20060102t150405z") }

func (p Proposal) write(repo *git.Repository, tree *object.Tree, files map[string][]byte) (plumbing.Hash, error) {
	root := tree.Hash
	for _, name := range slices.Sorted(maps.Keys(files)) {
		blob, err := store(repo, plumbing.BlobObject, files[name])
		if err != nil {
			return root, err
		}
		if root, err = put(repo, root, strings.Split(name, "/"), blob); err != nil {
			return root, fmt.Errorf("write %s: %w", name, err)
		}
	}
	return root, nil
}

func store(repo *git.Repository, kind plumbing.ObjectType, text []byte) (plumbing.Hash, error) {
	o := repo.Storer.NewEncodedObject()
	o.SetType(kind)
	w, err := o.Writer()
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("write an object: %w", err)
	}
	_, err = w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("write an object: %w", err)
	}
	hash, err := repo.Storer.SetEncodedObject(o)
	if err != nil {
		return hash, fmt.Errorf("write an object: %w", err)
	}
	return hash, nil
}

// put gives a tree with one file replaced or added; at is a zero hash for a folder
// that is not there yet.
func put(repo *git.Repository, at plumbing.Hash, names []string, blob plumbing.Hash) (plumbing.Hash, error) {
	tree := &object.Tree{}
	if !at.IsZero() {
		t, err := repo.TreeObject(at)
		if err != nil {
			return at, fmt.Errorf("tree %s: %w", at, err)
		}
		tree.Entries = slices.Clone(t.Entries)
	}
	i := slices.IndexFunc(tree.Entries, func(e object.TreeEntry) bool { return e.Name == names[0] })
	entry := object.TreeEntry{Name: names[0], Mode: filemode.Regular, Hash: blob}
	if i >= 0 {
		entry.Mode = tree.Entries[i].Mode
	}
	if len(names) > 1 {
		below := plumbing.ZeroHash
		if i >= 0 {
			below = tree.Entries[i].Hash
		}
		hash, err := put(repo, below, names[1:], blob)
		if err != nil {
			return at, err
		}
		entry.Mode, entry.Hash = filemode.Dir, hash
	}
	if i >= 0 {
		tree.Entries[i] = entry
	} else {
		tree.Entries = append(tree.Entries, entry)
	}
	slices.SortFunc(tree.Entries, func(a, b object.TreeEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	o := repo.Storer.NewEncodedObject()
	if err := tree.Encode(o); err != nil {
		return at, fmt.Errorf("write a tree: %w", err)
	}
	hash, err := repo.Storer.SetEncodedObject(o)
	if err != nil {
		return at, fmt.Errorf("write a tree: %w", err)
	}
	return hash, nil
}

// sortName is a name as Git orders it: a folder as if it ended in a slash.
func sortName(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

func (p Proposal) commit(repo *git.Repository, parent, tree plumbing.Hash) (Committed, error) {
	branch := "tune/" + p.name()
	ref := plumbing.NewBranchReferenceName(branch)
	if _, err := repo.Reference(ref, false); err == nil {
		return Committed{}, fmt.Errorf("branch %s is there already; look at it, and delete it to have it proposed again", branch)
	}
	who := object.Signature{Name: "platform tune", Email: "tune@dualtrack.internal", When: p.At.UTC()}
	c := &object.Commit{Author: who, Committer: who, TreeHash: tree, ParentHashes: []plumbing.Hash{parent}, Message: p.message()}
	o := repo.Storer.NewEncodedObject()
	if err := c.Encode(o); err != nil {
		return Committed{}, fmt.Errorf("write the commit: %w", err)
	}
	hash, err := repo.Storer.SetEncodedObject(o)
	if err == nil {
		err = repo.Storer.SetReference(plumbing.NewHashReference(ref, hash))
	}
	if err != nil {
		return Committed{}, fmt.Errorf("write the commit: %w", err)
	}
	return Committed{Branch: branch, Commit: hash.String()}, nil
}

func (p Proposal) message() string {
	verb := "tune"
	if p.Change.Reverted {
		verb = "untune"
	}
	text := fmt.Sprintf("%s: %s etcd: %s\n\n%s.\n", p.Cluster, verb, p.Change.From.To(p.Change.To), p.Change.Why)
	if p.Evidence != "" {
		text += "\n" + strings.TrimSpace(p.Evidence) + "\n"
	}
	return text
}

// To says in words how one setting differs from the next.
func (k Knobs) To(next Knobs) string {
	var out []string
	if k.GOGC != next.GOGC {
		out = append(out, fmt.Sprintf("GOGC %d to %d", k.GOGC, next.GOGC))
	}
	if k.Limit != next.Limit {
		out = append(out, "GOMEMLIMIT "+limitText(k.Limit)+" to "+limitText(next.Limit))
	}
	return strings.Join(out, ", ")
}

func limitText(n int64) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprintf("%dMi", n>>20)
}
