package comment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

type github struct{ *client }

func (g github) path(rest string) string { return "repos/" + g.Repository + rest }

func (g github) number(ctx context.Context) (int, error) {
	var pulls []struct {
		Number int `json:"number"`
		Head   struct {
			SHA string `json:"sha"`
		} `json:"head"`
	}
	query := url.Values{"state": {"open"}, "head": {g.Head}, "per_page": {"100"}}
	if _, err := g.call(ctx, http.MethodGet, g.path("/pulls"), query, nil, &pulls); err != nil {
		return 0, err
	}
	for _, p := range pulls {
		if p.Head.SHA == g.Commit {
			return p.Number, nil
		}
	}
	return 0, nil
}

type githubComment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	User struct {
		Login string `json:"login"`
		Type  string `json:"type"`
	} `json:"user"`
}

// bots are the accounts in whose name Gitea and Forgejo run jobs.
func bots() []string { return []string{"gitea-actions", "forgejo-actions"} }

func (g github) comments(ctx context.Context, number int, visit func([]posted) bool) error {
	return pages(ctx, g.client, g.path(fmt.Sprintf("/issues/%d/comments", number)), func(page []githubComment) bool {
		out := make([]posted, len(page))
		for i, c := range page {
			out[i] = posted{c.ID, c.Body, c.User.Login, c.User.Type == "Bot" || slices.Contains(bots(), c.User.Login)}
		}
		return visit(out)
	})
}

// self is not told to the token of a job, whose account is a bot.
func (g github) self(ctx context.Context) (string, error) {
	var user struct {
		Login string `json:"login"`
	}
	_, err := g.call(ctx, http.MethodGet, "user", nil, nil, &user)
	var refused *Error
	if errors.As(err, &refused) && (refused.Status == http.StatusForbidden || refused.Status == http.StatusNotFound) {
		return "", nil
	}
	return user.Login, err
}

func (g github) create(ctx context.Context, number int, body string) error {
	_, err := g.call(ctx, http.MethodPost, g.path(fmt.Sprintf("/issues/%d/comments", number)), nil, map[string]string{"body": body}, nil)
	return err
}

func (g github) replace(ctx context.Context, _ int, id int64, body string) error {
	_, err := g.call(ctx, http.MethodPatch, g.path(fmt.Sprintf("/issues/comments/%d", id)), nil, map[string]string{"body": body}, nil)
	return err
}
