package index

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stagewatch/stagewatch/internal/content"
)

// scattered are posts of few words spread over platforms and accounts.
type scattered struct {
	Platform, Account, ID, Text string
}

func drawScattered(r *rapid.T) []scattered {
	word := rapid.SampledFrom(strings.Fields("espresso roast river shoes running trail новая коллекция zapatillas nuevas 新しい"))
	posts := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) scattered {
		return scattered{
			Platform: rapid.SampledFrom([]string{"twitter", "instagram"}).Draw(r, "platform"),
			Account:  rapid.SampledFrom([]string{"north", "south", "east"}).Draw(r, "account"),
			ID:       fmt.Sprint(rapid.IntRange(1, 6).Draw(r, "id")),
			Text:     strings.Join(rapid.SliceOfN(word, 0, 5).Draw(r, "words"), " "),
		}
	}), 0, 25).Draw(r, "posts")
	seen := map[string]bool{}
	return slices.DeleteFunc(posts, func(p scattered) bool {
		key := p.Platform + p.Account + p.ID
		again := seen[key]
		seen[key] = true
		return again
	})
}

func addScattered(r *rapid.T, s *Store, posts []scattered) {
	of := map[[2]string][]content.Post{}
	for _, p := range posts {
		account := [2]string{p.Platform, p.Account}
		of[account] = append(of[account], content.Post{
			ID: p.ID, Platform: content.Platform(p.Platform), Account: p.Account, Language: "es", Text: p.Text,
		})
	}
	for account, some := range of {
		if _, err := s.Add(r.Context(), account[0], account[1], some); err != nil {
			r.Fatal(err)
		}
	}
}

// TestFilteredSearchEqualsASmallerIndex holds that other accounts' posts change
// nothing: neither which posts are found nor their order nor their scores.
func TestFilteredSearchEqualsASmallerIndex(t *testing.T) {
	s, smaller := wordsAlone(t), wordsAlone(t)
	rapid.Check(t, func(r *rapid.T) {
		clearAll(r, s)
		clearAll(r, smaller)
		posts := drawScattered(r)
		q := Query{
			Text:     rapid.SampledFrom([]string{"espresso roast", "running shoes", "nueva zapatilla", "новая", "新しい"}).Draw(r, "text"),
			Platform: rapid.SampledFrom([]string{"", "twitter"}).Draw(r, "platform"),
			Accounts: rapid.SampledFrom([][]string{nil, {"NORTH"}, {"@north", "east"}, {"nobody"}}).Draw(r, "accounts"),
			IDs:      rapid.SampledFrom([][]string{nil, {"1", "2", "3"}}).Draw(r, "ids"),
			Limit:    rapid.IntRange(1, 30).Draw(r, "limit"),
		}
		addScattered(r, s, posts)
		addScattered(r, smaller, slices.DeleteFunc(slices.Clone(posts), func(p scattered) bool {
			named := slices.ContainsFunc(q.Accounts, func(a string) bool { return content.SameHandle(a, p.Account) })
			return q.Platform != "" && p.Platform != q.Platform || len(q.Accounts) > 0 && !named ||
				len(q.IDs) > 0 && !slices.Contains(q.IDs, p.ID)
		}))
		got, err := s.Search(r.Context(), q)
		if err != nil {
			r.Fatal(err)
		}
		want, err := smaller.Search(r.Context(), Query{Text: q.Text, Limit: q.Limit})
		if err != nil {
			r.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			r.Fatalf("hits (-smaller index +filtered):\n%s", d)
		}
	})
}

func clearAll(r *rapid.T, s *Store) {
	if _, err := s.db.ExecContext(r.Context(), "DELETE FROM posts"); err != nil {
		r.Fatal(err)
	}
}

// TestSearchEqualsBruteForce ranks with nothing of the store but its vectors.
func TestSearchEqualsBruteForce(t *testing.T) {
	s := wordsAlone(t)
	rapid.Check(t, func(r *rapid.T) {
		clearAll(r, s)
		posts := drawScattered(r)
		addScattered(r, s, posts)
		text := rapid.SampledFrom([]string{"espresso roast", "running shoes", "zapatillas"}).Draw(r, "text")
		hits, err := s.Search(r.Context(), Query{Text: text, Limit: 100})
		if err != nil {
			r.Fatal(err)
		}
		found := map[string]float64{}
		for _, h := range hits {
			found[string(h.Post.Platform)+"/"+h.Post.Account+"/"+h.Post.ID] = h.Score
		}
		for _, p := range posts {
			var cosine float64
			for i, v := range letters(p.Text) {
				cosine += float64(v) * float64(letters(text)[i])
			}
			score, hit := found[p.Platform+"/"+p.Account+"/"+p.ID]
			if hit && math.Abs(score-cosine) > 1e-6 {
				r.Fatalf("%+v has score %v, want %v", p, score, cosine)
			}
			if !hit && cosine > leastLikeness {
				r.Fatalf("%+v with cosine %v was not found", p, cosine)
			}
		}
	})
}

func TestWordsInCommonCountByTheirWeight(t *testing.T) {
	all := []*candidate{
		{terms: termHashes(terms("the roast of the week"))},
		{terms: termHashes(terms("the espresso"))},
		{terms: termHashes(terms("the espresso espresso, and the long story of how the machine came here"))},
		{terms: termHashes(terms("the river"))},
	}
	scores := bm25(all, termHashes(terms("the espresso")))
	if scores[0] != 0 || scores[3] != 0 {
		t.Errorf("scores = %v: a post with nothing but \"the\" in common has one", scores)
	}
	// By hand: 22 words in 4 posts; "espresso" stands in 2 of them, "the" in 4.
	// "the espresso" has length 2, so its words' share is 2.2 / (1 + 1.2 · (.25 + .75 · 2/5.5)).
	weight := func(with float64) float64 { return math.Log(1 + (4-with+.5)/(with+.5)) }
	average := float64(5+2+13+2) / 4
	want := (weight(2) + weight(4)) * 2.2 / (1 + 1.2*(.25+.75*2/average))
	if math.Abs(scores[1]-want) > 1e-12 {
		t.Errorf("score = %v, want %v", scores[1], want)
	}
	if scores[2] <= 0 || scores[2] >= scores[1] {
		t.Errorf("scores = %v: the long post must have less than the short one", scores)
	}
}

func TestRanksAreAmongVectorsOfOneModel(t *testing.T) {
	all := []*candidate{
		{key: "a", model: sentenceModel, cosine: .9},
		{key: "b", model: sentenceModel, cosine: .2},
		{key: "c", model: lettersModel, cosine: .5},
		{key: "d", model: lettersModel, cosine: leastLikeness},
	}
	got := map[string]float64{}
	for _, c := range fuse(all, nil) {
		got[c.key] = c.fused
	}
	want := map[string]float64{"a": 1. / 61, "b": 1. / 62, "c": 1. / 61}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("sums of reciprocal ranks (-want +got):\n%s", d)
	}
}

func TestQueryWithoutWordsFindsNothing(t *testing.T) {
	s := wordsAlone(t)
	add(t, s, "northwind", post("1", "en", "espresso"), post("2", "zxx", "🔥🔥 https://example.com/espresso"))
	for _, text := range []string{"", "🔥", "https://example.com/espresso", "?!"} {
		if got := find(t, s, Query{Text: text}); len(got) != 0 {
			t.Errorf("Search(%q) = %v, want nothing", text, got)
		}
	}
}

func TestVectorsAreThoseOfTheAccountsAskedFor(t *testing.T) {
	s := wordsAlone(t)
	add(t, s, "northwind", post("1", "en", "espresso"), post("2", "zxx", "🔥"))
	add(t, s, "southwind", post("1", "en", "river"))
	add(t, s, "eastwind", post("1", "en", "bakery"))
	got, err := s.Vectors(t.Context(), "twitter", []string{"Southwind", "@northwind"})
	if err != nil {
		t.Fatal(err)
	}
	want := []content.Vector{
		{PostID: "1", Account: "northwind", Model: lettersModel, Values: letters("espresso")},
		{PostID: "1", Account: "southwind", Model: lettersModel, Values: letters("river")},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("vectors (-want +got):\n%s", d)
	}
	if got, err := s.Vectors(t.Context(), "instagram", nil); err != nil || len(got) != 0 {
		t.Errorf("Vectors(instagram) = %v, %v, want none", got, err)
	}
}

func BenchmarkSearch10k(b *testing.B) {
	model, err := embedded()
	if err != nil {
		b.Fatal(err)
	}
	s := opened(b, filepath.Join(b.TempDir(), "index.db"), model)
	noise := rand.New(rand.NewPCG(1, 2))
	vocabulary := strings.Fields("espresso roast river shoes running trail oat white saturday bakery grip colour ticket song")
	changed := make([]*entry, 10_000)
	for i := range changed {
		words := make([]string, 25)
		for j := range words {
			words[j] = fmt.Sprintf("%s%d", vocabulary[noise.IntN(len(vocabulary))], noise.IntN(40))
		}
		e := &entry{post: post(fmt.Sprint(i), "en", strings.Join(words, " ")), model: s.Model(), json: `{"id":"1"}`}
		e.text = e.post.Text
		e.vector = letters(e.text)
		if s.model != nil {
			e.vector = e.vector[:s.model.Width()] // Any numbers do: each is multiplied once.
		}
		changed[i] = e
	}
	if err := s.write(b.Context(), "twitter", "northwind", changed, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Search(b.Context(), Query{Text: "espresso12 on the river3", Accounts: []string{"northwind"}}); err != nil {
			b.Fatal(err)
		}
	}
}
