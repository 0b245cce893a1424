package comment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of one request, and of the pages that are looked through.
const (
	requestTimeout = 30 * time.Second
	maxAnswer      = 32 << 20
	perPage        = 100
	maxPages       = 100
)

// Error is what the forge refused, in words that say how to mend it.
type Error struct {
	Status int // of HTTP; 0 when there was no answer
	What   string
}

func (e *Error) Error() string { return e.What }

type client struct {
	Target
	base *url.URL
	http *http.Client
}

func newClient(t Target) (*client, error) {
	base, err := url.Parse(t.API)
	if err != nil || base.Host == "" || base.User != nil {
		return nil, fmt.Errorf("the forge's API is no address: %q", t.API)
	}
	if base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())) {
		return nil, fmt.Errorf("%s://%s: a token goes over https alone", base.Scheme, base.Host)
	}
	return &client{Target: t, base: base, http: &http.Client{
		Timeout: requestTimeout,
		// Another host must not get the token.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// call sends one request and decodes the answer; the header tells of further pages.
func (c *client) call(ctx context.Context, method, path string, query url.Values, body, into any) (http.Header, error) {
	address := c.base.JoinPath(path)
	address.RawQuery = query.Encode()
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "dualtrack")
	if c.Forge == GitLab {
		request.Header.Set("PRIVATE-TOKEN", c.Token)
	} else {
		request.Header.Set("Accept", "application/vnd.github+json")
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	where := method + " /" + strings.TrimPrefix(address.Path, "/")
	response, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, &Error{What: fmt.Sprintf("%s can't be reached: %s: %v", c.Forge, where, err)}
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, &Error{response.StatusCode, fmt.Sprintf("%s: %s: the answer broke off: %v", c.Forge, where, err)}
	case response.StatusCode < 200 || response.StatusCode > 299:
		return nil, c.refusal(response.StatusCode, where, data)
	case len(data) > maxAnswer:
		return nil, &Error{response.StatusCode, fmt.Sprintf("%s: %s: the answer is larger than %d bytes", c.Forge, where, maxAnswer)}
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil {
			return nil, &Error{response.StatusCode, fmt.Sprintf("%s: %s: the answer is not what this API says: %v", c.Forge, where, err)}
		}
	}
	return response.Header, nil
}

// refusal says what a status means here, and what the forge says of it.
func (c *client) refusal(status int, where string, data []byte) error {
	permission := "the permission pull-requests: write"
	if c.Forge == GitLab {
		permission = "the scope api and at least the role Reporter; a job token can't comment"
	}
	mend := ""
	switch {
	case status == http.StatusUnauthorized:
		mend = fmt.Sprintf("; the token in %s is not, or no longer, a token of this forge", c.TokenName)
	case status == http.StatusForbidden, status == http.StatusTooManyRequests:
		mend = fmt.Sprintf("; the token in %s needs %s, or the forge's limit of requests is reached", c.TokenName, permission)
	case status == http.StatusNotFound:
		mend = fmt.Sprintf("; there is no such repository or request, or the token in %s may not see it: it needs %s", c.TokenName, permission)
	case status >= 500:
		mend = "; the forge failed: run the job again later"
	case status >= 300 && status < 400:
		mend = "; a redirection is not followed, for it would take the token elsewhere: give the repository's new address"
	}
	said := ""
	var answer struct {
		Message any `json:"message"`
		Error   any `json:"error"`
	}
	if json.Unmarshal(data, &answer) == nil {
		for _, v := range []any{answer.Message, answer.Error} {
			if v != nil && said == "" {
				said = ": " + c.clean(fmt.Sprint(v))
			}
		}
	}
	return &Error{status, fmt.Sprintf("%s: %s: %d %s%s%s", c.Forge, where, status, http.StatusText(status), said, mend)}
}

// clean bounds what a forge says, and takes the token out should it say it.
func (c *client) clean(s string) string {
	if c.Token != "" {
		s = strings.ReplaceAll(s, c.Token, "(token)")
	}
	if runes := []rune(strings.Join(strings.Fields(s), " ")); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return s
}

// pages gets page after page until stop, or the last.
func pages[T any](ctx context.Context, c *client, path string, visit func([]T) bool) error {
	for page := 1; page <= maxPages; page++ {
		var items []T
		query := url.Values{"per_page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}
		if c.Forge == GitHub {
			query.Set("limit", strconv.Itoa(perPage)) // Gitea's word for it
		}
		header, err := c.call(ctx, http.MethodGet, path, query, nil, &items)
		if err != nil {
			return err
		}
		// A forge may give fewer a page than it was asked for, and says then that
		// there are more.
		more := strings.Contains(header.Get("Link"), `rel="next"`) || len(items) >= perPage
		if visit(items) || !more || len(items) == 0 {
			return nil
		}
	}
	return &Error{What: fmt.Sprintf("%s: more than %d comments were looked through without an end", c.Forge, maxPages*perPage)}
}
