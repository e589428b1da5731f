package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

// Limits of a query.
const (
	largestQuery    = 64 << 10 // bytes of body
	longestQuestion = 2000     // characters
	longestUsername = 100      // characters
	queryTime       = 20 * time.Second
	goodbye         = 5 * time.Second // for answers under way when told to stop
)

// serve answers queries on listener until ctx ends, then lets those under way finish.
func (m *Module) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           m.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      queryTime + 10*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	err := server.Shutdown(last)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// handler routes the two paths. Requests that a web page of another origin could
// have caused, by a rebound name or a form, are refused before anything is read.
func (m *Module) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if !local(r.Host) || !sameMachine(r.Header.Get("Origin")) {
			refuse(w, http.StatusForbidden, "the request names another host", "ask for 127.0.0.1 or localhost, not from a web page elsewhere")
			return
		}
		switch r.URL.Path {
		case "/healthz":
			if allow(w, r, http.MethodGet, http.MethodHead) {
				reply(w, http.StatusOK, map[string]string{"status": "ok"})
			}
		case "/query":
			if allow(w, r, http.MethodPost) {
				m.query(w, r)
			}
		default:
			refuse(w, http.StatusNotFound, "no such page", "POST /query or GET /healthz")
		}
	})
}

// allow refuses other methods.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	refuse(w, http.StatusMethodNotAllowed, "method "+r.Method+" is not allowed here", "use "+strings.Join(methods, " or "))
	return false
}

// local reports whether a Host header names this machine's loopback.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}

// sameMachine reports whether an Origin header is absent or local.
func sameMachine(origin string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && local(u.Host)
}

// question is the body of a query.
type question struct {
	Platform content.Platform `json:"platform"`
	Username string           `json:"username"`
	Question string           `json:"question"`
}

// query answers POST /query.
func (m *Module) query(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "the body is not said to be JSON", "set Content-Type: application/json")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestQuery))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		refuse(w, http.StatusRequestEntityTooLarge, "the body is too large", fmt.Sprintf("send at most %d bytes", largestQuery))
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the body broke off", "send it again")
		return
	}
	var q question
	if err := json.Unmarshal(body, &q); err != nil {
		refuse(w, http.StatusBadRequest, "the body is not a query in JSON", `send {"platform": "…", "username": "…", "question": "…"}`)
		return
	}
	if reason, hint := q.fault(); reason != "" {
		refuse(w, http.StatusBadRequest, reason, hint)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	a, err := m.answer(ctx, q)
	if err != nil {
		m.log.LogAttrs(ctx, slog.LevelError, "answer query", slog.String("account", string(q.Platform)+"/"+q.Username), slog.Any("error", err))
		refuse(w, http.StatusInternalServerError, "the query could not be answered", "the log of the images module says why")
		return
	}
	reply(w, http.StatusOK, a)
}

// fault tidies q and says what is wrong with it, or "".
func (q *question) fault() (reason, hint string) {
	q.Platform = content.Platform(strings.ToLower(strings.TrimSpace(string(q.Platform))))
	q.Username = strings.TrimPrefix(strings.TrimSpace(q.Username), "@")
	q.Question = strings.TrimSpace(q.Question)
	switch {
	case !slices.Contains(content.Platforms(), q.Platform):
		return fmt.Sprintf("platform %q is not known", q.Platform), fmt.Sprintf("use one of %v", content.Platforms())
	case q.Username == "":
		return "username is missing", "name the account as its AccountInfo file does"
	case utf8.RuneCountInString(q.Username) > longestUsername || strings.ContainsFunc(q.Username, notInName) || bucket.CheckKey(q.Username) != nil:
		return "username is none", "name the account as its AccountInfo file does"
	case q.Question == "":
		return "question is missing", "ask something about the account's posts"
	case utf8.RuneCountInString(q.Question) > longestQuestion:
		return "the question is too long", fmt.Sprintf("ask in at most %d characters", longestQuestion)
	}
	return "", ""
}

// notInName reports whether no username may hold r: it becomes part of a key.
func notInName(r rune) bool { return r == '/' || r == '\\' || unicode.IsControl(r) }

// refuse answers with an error and the way out.
func refuse(w http.ResponseWriter, status int, reason, hint string) {
	reply(w, status, map[string]string{"error": reason, "hint": hint})
}

// reply answers with v as JSON.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // An error means that the asker has gone: nobody is left to tell.
}
