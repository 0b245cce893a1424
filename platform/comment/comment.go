// Package comment puts one comment on a pull or merge request of GitHub, Gitea,
// Forgejo or GitLab, and replaces it later. It never reads the change itself, never
// edits a comment of somebody else, and never shows the token.
package comment

import (
	"context"
	"fmt"
	"strings"
)

// Target is where the comment goes.
type Target struct {
	Forge      Forge
	API        string // base address of the forge's API
	Repository string // "owner/name"; GitLab's number or path of the project
	Number     int    // of the pull or merge request; 0 finds it by Head and Commit
	Head       string // "owner:branch" that the pull request comes from
	Commit     string // that the pull request's head must be
	Token      string
	TokenName  string // the variable that holds it
}

// Forge is a kind of API.
type Forge string

// The forges. Gitea's and Forgejo's API is GitHub's in what is used here.
const (
	GitHub Forge = "GitHub"
	GitLab Forge = "GitLab"
)

// Outcome says what was done.
type Outcome struct {
	Number  int
	Created bool
	// MovedOn says that no open pull request has the commit as its head any more:
	// nothing was done, for a later run will comment.
	MovedOn bool
}

// String is the outcome in a sentence.
func (o Outcome) String() string {
	switch {
	case o.MovedOn:
		return "no open pull request has this commit as its head any more: nothing to comment on"
	case o.Created:
		return fmt.Sprintf("comment created on #%d", o.Number)
	}
	return fmt.Sprintf("comment replaced on #%d", o.Number)
}

// posted is a comment that is there.
type posted struct {
	ID     int64
	Body   string
	Author string
	Bot    bool // by the forge's word; no person can be one
}

// api is what a forge is asked for.
type api interface {
	// number finds the open pull request; 0 for none.
	number(ctx context.Context) (int, error)
	// comments calls visit with each page until it says stop.
	comments(ctx context.Context, number int, visit func([]posted) (stop bool)) error
	// self is the account that the token is of; "" where the forge does not say.
	self(ctx context.Context) (string, error)
	create(ctx context.Context, number int, body string) error
	replace(ctx context.Context, number int, id int64, body string) error
}

// Put replaces the comment whose first line is the body's, or creates it.
func Put(ctx context.Context, t Target, body string) (Outcome, error) {
	marker, _, _ := strings.Cut(body, "\n")
	if !strings.HasPrefix(marker, "<!-- ") || !strings.HasSuffix(marker, " -->") {
		return Outcome{}, fmt.Errorf("a comment begins with its marker, not with %.40q", marker)
	}
	c, err := newClient(t)
	if err != nil {
		return Outcome{}, err
	}
	var forge api = github{c}
	if t.Forge == GitLab {
		forge = gitlab{c}
	}
	out := Outcome{Number: t.Number}
	if out.Number == 0 {
		if out.Number, err = forge.number(ctx); err != nil || out.Number == 0 {
			return Outcome{MovedOn: err == nil}, err
		}
	}
	id, err := find(ctx, forge, out.Number, marker)
	switch {
	case err != nil:
		return Outcome{}, err
	case id != 0:
		return out, forge.replace(ctx, out.Number, id, body)
	}
	out.Created = true
	return out, forge.create(ctx, out.Number, body)
}

// find is the id of our own comment with the marker, 0 for none. Another's comment
// that begins with it is left alone: its author could change it after us.
func find(ctx context.Context, forge api, number int, marker string) (int64, error) {
	var own int64
	var others []posted
	err := forge.comments(ctx, number, func(page []posted) bool {
		for _, p := range page {
			first, _, _ := strings.Cut(p.Body, "\n")
			if strings.TrimSuffix(first, "\r") != marker {
				continue
			}
			if p.Bot {
				own = p.ID
				return true
			}
			others = append(others, p)
		}
		return false
	})
	if err != nil || own != 0 || len(others) == 0 {
		return own, err
	}
	me, err := forge.self(ctx)
	if err != nil || me == "" {
		return 0, err
	}
	for _, p := range others {
		if p.Author == me {
			return p.ID, nil
		}
	}
	return 0, nil
}
