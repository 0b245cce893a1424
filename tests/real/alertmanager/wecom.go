package alertmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// WeCom stands in for WeCom's API on loopback: it gives a token to who knows the
// secret and keeps the messages that come with one.
type WeCom struct {
	URL string

	server *http.Server
	done   chan error

	mu       sync.Mutex
	messages []Message
	refused  int
}

// Message is what a department reads.
type Message struct {
	Party    string `json:"toparty"`
	Agent    string `json:"agentid"`
	Type     string `json:"msgtype"`
	Markdown struct {
		Content string `json:"content"`
	} `json:"markdown"`
}

const token = "stand-in-token"

// NewWeCom starts a stand-in.
func NewWeCom(ctx context.Context) (*WeCom, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the stand-in for WeCom: %w", err)
	}
	w := &WeCom{URL: "http://" + l.Addr().String(), done: make(chan error, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /cgi-bin/gettoken", w.token)
	mux.HandleFunc("POST /cgi-bin/message/send", w.send)
	w.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { w.done <- w.server.Serve(l) }()
	return w, nil
}

// Close ends it and waits for it.
func (w *WeCom) Close() error {
	err := w.server.Close()
	<-w.done //nolint:errcheck // http.ErrServerClosed
	return err
}

func (w *WeCom) token(out http.ResponseWriter, r *http.Request) {
	if r.FormValue("corpsecret") != Secret || r.FormValue("corpid") == "" {
		w.refuse(out, 40001)
		return
	}
	_, _ = io.WriteString(out, `{"errcode":0,"access_token":"`+token+`"}`)
}

func (w *WeCom) send(out http.ResponseWriter, r *http.Request) {
	var m Message
	err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&m)
	if err != nil || r.FormValue("access_token") != token {
		w.refuse(out, 40014)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages = append(w.messages, m)
	_, _ = io.WriteString(out, `{"errcode":0,"errmsg":"ok"}`)
}

func (w *WeCom) refuse(out http.ResponseWriter, code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused++
	_, _ = fmt.Fprintf(out, `{"errcode":%d,"errmsg":"refused"}`, code)
}

// Messages are those that came until now.
func (w *WeCom) Messages() []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.messages)
}

// Refused counts requests with a wrong secret or token.
func (w *WeCom) Refused() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}
