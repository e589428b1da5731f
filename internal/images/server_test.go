package images

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/content"
)

// ask posts a query the way a client should, after change had its way with it.
func ask(t *testing.T, m *Module, body string, change func(*http.Request)) (status int, reply map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:8090/query", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return w.Code, reply
}

const goodQuery = `{"platform": "instagram", "username": "lumenskin", "question": "What of glow?"}`

func TestBadRequestsAreRefusedWithAWayOut(t *testing.T) {
	m := module(t, newShelf(), newRecorder())
	with := func(change func(*http.Request)) func(*http.Request) { return change }
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
	}{
		"GET":               {"", with(func(r *http.Request) { r.Method = http.MethodGet }), 405},
		"form":              {goodQuery, with(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }), 415},
		"no type":           {goodQuery, with(func(r *http.Request) { r.Header.Del("Content-Type") }), 415},
		"rebound name":      {goodQuery, with(func(r *http.Request) { r.Host = "evil.example:8090" }), 403},
		"name like ours":    {goodQuery, with(func(r *http.Request) { r.Host = "localhost.evil.example" }), 403},
		"no host":           {goodQuery, with(func(r *http.Request) { r.Host = "" }), 403},
		"web page":          {goodQuery, with(func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }), 403},
		"null origin":       {goodQuery, with(func(r *http.Request) { r.Header.Set("Origin", "null") }), 403},
		"other path":        {goodQuery, with(func(r *http.Request) { r.URL.Path = "/" }), 404},
		"too large":         {`{"question": "` + strings.Repeat("x", largestQuery) + `"}`, nil, 413},
		"no JSON":           {`{"platform"`, nil, 400},
		"other JSON":        {`[1]`, nil, 400},
		"platform":          {`{"platform": "linkedin", "username": "a", "question": "b"}`, nil, 400},
		"no platform":       {`{"username": "a", "question": "b"}`, nil, 400},
		"no username":       {`{"platform": "twitter", "question": "b"}`, nil, 400},
		"username up":       {`{"platform": "twitter", "username": "..", "question": "b"}`, nil, 400},
		"username and path": {`{"platform": "twitter", "username": "a/b", "question": "b"}`, nil, 400},
		"long username":     {`{"platform": "twitter", "username": "` + strings.Repeat("a", 101) + `", "question": "b"}`, nil, 400},
		"no question":       {`{"platform": "twitter", "username": "a", "question": " "}`, nil, 400},
		"long question":     {`{"platform": "twitter", "username": "a", "question": "` + strings.Repeat("é", 2001) + `"}`, nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			status, reply := ask(t, m, c.body, c.change)
			if status != c.status || reply["error"] == "" || reply["hint"] == "" || len(reply) != 2 {
				t.Errorf("answer = %d %v, want %d with error and hint", status, reply, c.status)
			}
		})
	}
}

func TestLocalNamesAreLetIn(t *testing.T) {
	m := module(t, newShelf(), newRecorder())
	for _, host := range []string{"127.0.0.1:8090", "localhost:8090", "LOCALHOST", "[::1]:8090", "127.0.0.1"} {
		if status, reply := ask(t, m, goodQuery, func(r *http.Request) { r.Host = host; r.Header.Set("Origin", "http://localhost:3000") }); status != 200 {
			t.Errorf("host %q: %d %v", host, status, reply)
		}
	}
}

func TestAFaultInsideIsNotShownOutside(t *testing.T) {
	m := module(t, newShelf(), newRecorder())
	m.search = broken{}
	status, reply := ask(t, m, goodQuery, nil)
	if status != 500 || strings.Contains(reply["error"].(string), "secret") {
		t.Errorf("answer = %d %v", status, reply)
	}
}

type broken struct{}

func (broken) Search(context.Context, Search) ([]content.Hit, error) {
	return nil, io.ErrUnexpectedEOF
}

func TestATakenPortGivesWayToAFreeOne(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	stages := newRecorder()
	m := module(t, folder(t), stages)
	m.address = taken.Addr().String()
	stop := run(t, m)
	stages.wait(t, "complete 0")
	lines := stages.all()
	address, ok := strings.CutPrefix(lines[1], "complete 0 : Answering queries on ")
	if !ok || address == m.address || checkLoopback(address) != nil {
		t.Fatalf("reported %q", lines)
	}

	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for _, c := range []struct{ method, path, body, want string }{
		{http.MethodGet, "/healthz", "", `{"status":"ok"}`},
		{http.MethodPost, "/query", goodQuery, `"answer":"Nothing that is stored of instagram/lumenskin answers this."`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+address+c.path, bytes.NewReader([]byte(c.body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		reply, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(reply.Body)
		if err := reply.Body.Close(); err != nil {
			t.Error(err)
		}
		if err != nil || reply.StatusCode != http.StatusOK || !strings.Contains(string(got), c.want) {
			t.Errorf("%s %s = %d %s, %v, want %s", c.method, c.path, reply.StatusCode, got, err, c.want)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("Run = %v after a stop", err)
	}
}

func TestAnAddressThatCannotBeHadFailsTheStart(t *testing.T) {
	stages := newRecorder()
	m := module(t, folder(t), stages)
	m.address = "127.0.0.1:99999"
	if err := m.Run(t.Context()); err == nil || !stages.has("failed 0") {
		t.Errorf("Run = %v and reported %q", err, stages.all())
	}
}

// shelved is a bucket with a plan, and hits that fit a question.
func shelved(t *testing.T) (*shelf, hits) {
	t.Helper()
	b := newShelf()
	plan, err := json.Marshal(map[string]any{"plan": content.Plan{
		Account: content.Account{Competitors: []string{"moonrival"}}, Notes: []string{"Posts were chosen by likes."},
		Works: []content.Statement{{About: "time", Text: "Tuesday 17:00–20:00 UTC does best: 12 posts, 1.3 times the mean", Figures: []content.Figure{{Name: "lift", Value: 1.3, N: 12}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, "content_plans/instagram/lumenskin/content_plan.json", string(plan))
	day := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	return b, hits{
		{Score: 0.8, Post: content.Post{ID: "1", Account: "lumenskin", Kind: content.Video, Time: day, Text: strings.Repeat("glow ", 100), Likes: new(int64(1000)), Comments: new(int64(20)), Hashtags: []string{"Glow"}}},
		{Score: 0.7, Post: content.Post{ID: "2", Account: "lumenskin", Kind: content.Photo, Text: "more glow", Likes: new(int64(500)), Hashtags: []string{"glow", "night"}}},
		{Score: 0.6, Post: content.Post{ID: "3", Account: "lumenskin", Kind: content.Photo, Text: "hidden likes", Comments: new(int64(5))}},
		{Score: 0.5, Post: content.Post{ID: "4", Account: "moonrival", Kind: content.Photo, Text: "a rival", Likes: new(int64(90))}},
		{Score: -0.1, Post: content.Post{ID: "5", Account: "lumenskin", Text: "nothing like it", Likes: new(int64(1))}},
	}
}

func TestAnswersAreMadeOfMeasuredFigures(t *testing.T) {
	b, found := shelved(t)
	const measured = "likes, comments, shares and quotes"
	fit := " 3 own posts fit the question; 2 with known likes got 760 " + measured + " on average, with a median of 760."
	all := " 4 own posts could be compared; 3 with known likes got 507 " + measured + " on average, with a median of 500."
	for question, want := range map[string]string{
		"Tell me about glow":          fit[1:],
		"Which glow posts did best?":  "Of the posts that fit, lumenskin's video of 2026-05-01 (id 1) got the most: 1,020 " + measured + "." + fit,
		"When should we post?":        "Tuesday 17:00–20:00 UTC does best: 12 posts, 1.3 times the mean." + all,
		"Which hashtags work?":        "Most used in the posts that could be compared: #Glow (2 posts), #night (1 post)." + all,
		"What was our best post?":     "Of the posts that could be compared, lumenskin's video of 2026-05-01 (id 1) got the most: 1,020 " + measured + "." + all,
		"Do glow videos work?":        "By kind, the posts that fit got on average: photo 295 (2 posts), video 1,020 (1 post); counted are " + measured + "." + fit,
		"How do we compare for glow?": "By account, the posts that fit got on average: lumenskin 760 (2 posts), moonrival 90 (1 post); counted are " + measured + "." + fit,
	} {
		t.Run(question, func(t *testing.T) {
			m := module(t, b, newRecorder())
			m.search = found
			a, err := m.answer(t.Context(), question1(question))
			if err != nil {
				t.Fatal(err)
			}
			if a.Answer != want {
				t.Errorf("answer = %q\nwant %q", a.Answer, want)
			}
			if len(a.Posts) < 4 || len(a.Figures) == 0 || a.Note == "" || len(a.Caveats) != 1 {
				t.Errorf("%d posts, figures %v, caveats %q", len(a.Posts), a.Figures, a.Caveats)
			}
		})
	}
}

func TestWhatFitsAQuestion(t *testing.T) {
	post := func(id, text string, score float64, likes int64) content.Hit {
		return content.Hit{Score: score, Post: content.Post{ID: id, Account: "lumenskin", Text: text, Likes: new(likes)}}
	}
	all := []content.Hit{
		post("near", "glow", 0.31, 5), post("far", "rope", 0.29, 50), post("shares a word", "Nuevo maquillaje hoy", 0.1, 20),
	}
	for name, c := range map[string]struct {
		question string
		hits     []content.Hit
		want     []string
		whole    bool
	}{
		"by score":                  {"Any glow?", all, []string{"near"}, false},
		"by a telling word":         {"¿Y el maquillaje?", all, []string{"near", "shares a word"}, false},
		"nothing":                   {"Lasagna?", all[1:], nil, false},
		"nothing of a subject":      {"Which lasagna posts did best?", all[1:], nil, false},
		"the account as a whole":    {"Which hashtags work for us?", all, []string{"far", "shares a word", "near"}, true},
		"the account, no such rule": {"How are we?", all, []string{"far", "shares a word", "near"}, true},
		"no posts":                  {"Which hashtags work?", nil, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			e := weigh(evidence{question: c.question}, c.hits)
			var got []string
			for _, h := range e.hits {
				got = append(got, h.Post.ID)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || e.whole != c.whole {
				t.Errorf("whole = %v; fitting (-want +got):\n%s", e.whole, diff)
			}
		})
	}
}

func question1(text string) question {
	return question{Platform: content.Instagram, Username: "lumenskin", Question: text}
}

func TestAnAnswerShowsItsPosts(t *testing.T) {
	b, all := shelved(t)
	m := module(t, b, newRecorder())
	m.search = all
	_, reply := ask(t, m, goodQuery, nil)
	posts := reply["posts"].([]any)
	want := map[string]any{
		"id": "3", "account": "lumenskin", "kind": "photo", "text": "hidden likes", "score": 0.6, "comments": 5.0,
	}
	if diff := cmp.Diff(want, posts[2]); diff != "" {
		t.Errorf("a post whose likes are not known (-want +got):\n%s", diff)
	}
	first := posts[0].(map[string]any)
	if text := []rune(first["text"].(string)); len(text) > longestExcerpt || text[len(text)-1] != '…' || first["engagement"] != 1020.0 {
		t.Errorf("first post = %v", first)
	}
}

// asked keeps what was searched for.
type asked struct{ last Search }

func (a *asked) Search(_ context.Context, s Search) ([]content.Hit, error) {
	a.last = s
	return nil, nil
}

func TestCompetitorsAreSearchedOnlyWhenAskedFor(t *testing.T) {
	b, _ := shelved(t)
	m, search := module(t, b, newRecorder()), &asked{}
	m.search = search
	for text, want := range map[string][]string{"What works?": {"lumenskin"}, "How do our competitors do?": {"lumenskin", "moonrival"}} {
		if _, err := m.answer(t.Context(), question1(text)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Search{Text: text, Platform: content.Instagram, Accounts: want, Limit: mostSearched}, search.last); diff != "" {
			t.Errorf("search (-want +got):\n%s", diff)
		}
	}
}

func TestABrokenPlanIsLeftOutAndSaidSo(t *testing.T) {
	b, _ := shelved(t)
	put(t, b, "content_plans/instagram/lumenskin/content_plan.json", `{"plan": [`)
	a, err := module(t, b, newRecorder()).answer(t.Context(), question1("When should we post?"))
	if err != nil || len(a.Caveats) != 1 || !strings.Contains(a.Answer, "Nothing") {
		t.Errorf("answer = %+v, %v", a, err)
	}
}
