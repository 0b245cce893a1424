package comment

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

type gitlab struct{ *client }

func (g gitlab) path(number int, rest string) string {
	return fmt.Sprintf("projects/%s/merge_requests/%d/notes%s", url.PathEscape(g.Repository), number, rest)
}

// number is always told by GitLab's own jobs.
func (g gitlab) number(context.Context) (int, error) {
	return 0, &Error{What: "no merge request is named; run in a merge request pipeline, or write --number"}
}

type gitlabNote struct {
	ID     int64  `json:"id"`
	Body   string `json:"body"`
	System bool   `json:"system"`
	Author struct {
		Username string `json:"username"`
	} `json:"author"`
}

func (g gitlab) comments(ctx context.Context, number int, visit func([]posted) bool) error {
	return pages(ctx, g.client, g.path(number, ""), func(page []gitlabNote) bool {
		out := make([]posted, len(page))
		for i, n := range page {
			if out[i] = (posted{ID: n.ID, Author: n.Author.Username}); !n.System {
				out[i].Body = n.Body
			}
		}
		return visit(out)
	})
}

func (g gitlab) self(ctx context.Context) (string, error) {
	var user struct {
		Username string `json:"username"`
	}
	_, err := g.call(ctx, http.MethodGet, "user", nil, nil, &user)
	return user.Username, err
}

func (g gitlab) create(ctx context.Context, number int, body string) error {
	_, err := g.call(ctx, http.MethodPost, g.path(number, ""), nil, map[string]string{"body": body}, nil)
	return err
}

func (g gitlab) replace(ctx context.Context, number int, id int64, body string) error {
	_, err := g.call(ctx, http.MethodPut, g.path(number, fmt.Sprintf("/%d", id)), nil, map[string]string{"body": body}, nil)
	return err
}
