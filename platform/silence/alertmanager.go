package silence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const (
	// maxAnswer bounds an answer; a silence takes about 500 bytes.
	maxAnswer = 16 << 20
	// answerTime bounds one request.
	answerTime = 30 * time.Second
)

// ErrUnreachable says that nobody answered.
var ErrUnreachable = errors.New("the Alertmanager cannot be reached")

// URLError says that a URL is none of an Alertmanager.
type URLError struct{ What string }

func (e *URLError) Error() string {
	return "the Alertmanager's URL " + e.What + "; write it like http://127.0.0.1:9093"
}

// Alertmanager is a server, over version 2 of its API.
type Alertmanager struct {
	base   *url.URL
	client *http.Client
}

// Dial names a server; nothing is sent yet.
func Dial(text string) (*Alertmanager, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil: // its text repeats the URL
		return nil, &URLError{"is none"}
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, &URLError{"has no scheme http or https, or no host"}
	case u.User != nil:
		return nil, &URLError{"holds a password, which would stand in outputs and lists of processes"}
	case u.RawQuery != "" || u.Fragment != "":
		return nil, &URLError{"holds more than a path"}
	}
	client := &http.Client{Timeout: answerTime, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // what answers elsewhere was not meant
	}}
	return &Alertmanager{base: u.JoinPath("api/v2"), client: client}, nil
}

// List gives every silence that the server holds, expired ones too.
func (a *Alertmanager) List(ctx context.Context) ([]Held, error) {
	text, err := a.do(ctx, http.MethodGet, "silences", nil)
	if err != nil {
		return nil, err
	}
	held, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.base.Host, err)
	}
	return held, nil
}

// put posts a silence and gives the id it has now.
func (a *Alertmanager) put(ctx context.Context, w wire) (string, error) {
	body, err := json.Marshal(w)
	if err != nil {
		return "", fmt.Errorf("write a silence: %w", err)
	}
	text, err := a.do(ctx, http.MethodPost, "silences", body)
	if err != nil {
		return "", err
	}
	var answer struct {
		ID string `json:"silenceID"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.ID == "" {
		return "", fmt.Errorf("%s: it took a silence and did not say under which id", a.base.Host)
	}
	return answer.ID, nil
}

// end expires a silence.
func (a *Alertmanager) end(ctx context.Context, id string) error {
	_, err := a.do(ctx, http.MethodDelete, "silence/"+url.PathEscape(id), nil)
	return err
}

func (a *Alertmanager) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the Alertmanager: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	response, err := a.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = response.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	case len(text) > maxAnswer:
		return nil, fmt.Errorf("%s: its answer is longer than %d bytes", a.base.Host, maxAnswer)
	case response.StatusCode == http.StatusNotFound && method != http.MethodDelete:
		return nil, fmt.Errorf("%s has no %s; is it an Alertmanager of 0.16 or later, and is the path of the URL right?", a.base.Host, req.URL.Path)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s: %s", a.base.Host, response.Status, said(text))
	}
	return text, nil
}

// said is what an answer says, in one short line.
func said(text []byte) string {
	words := strings.Join(strings.Fields(strings.ToValidUTF8(string(text[:min(len(text), 300)]), "")), " ")
	printed := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, words)
	return strings.Trim(printed, `"`)
}
