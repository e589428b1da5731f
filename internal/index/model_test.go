package index

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/index/minilm"
)

// sentences returns the embedded model, or skips when it was not made.
func sentences(t testing.TB) *minilm.Model {
	t.Helper()
	model, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	if model == nil {
		t.Skip("not checked: the sentence model is missing; `make model` brings it")
	}
	return model
}

func TestLanguageDecidesTheModel(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "index.db"), sentences(t))
	report := add(t, s, "northwind",
		post("en", "en", "The espresso bar opens on Saturday."),
		post("und", "und", "Espresso!"),
		post("es", "es", "El bar abre el sábado."),
		post("ru", "und", "Кофе по субботам"),
		post("zxx", "zxx", "🔥 https://example.com/1"))
	want := Report{
		Posts: 5, Added: 5,
		ByModel:   map[string]int{sentenceModel: 2, lettersModel: 2, "": 1},
		Languages: map[string]int{"en": 1, "und": 2, "es": 1, "zxx": 1},
		Unread:    map[string]int{"es": 1, "und": 1},
		Notes: []string{
			"The sentence model reads English: 2 posts are compared by words and letter groups, not by meaning, " +
				"and only with one another (1 in language es, 1 in a language that could not be told).",
			"1 post has no words to index: no search and no topic finds them.",
		},
	}
	if d := cmp.Diff(want, report); d != "" {
		t.Errorf("report (-want +got):\n%s", d)
	}
	vectors, err := s.Vectors(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	width := map[string]int{sentenceModel: 384, lettersModel: lettersWidth}
	for _, v := range vectors {
		if len(v.Values) != width[v.Model] {
			t.Errorf("post %s: %d numbers of model %q", v.PostID, len(v.Values), v.Model)
		}
	}
	for query, id := range map[string]string{"weekend opening of a coffee shop": "en", "bar sábado": "es", "кофе": "ru"} {
		if got := find(t, s, Query{Text: query}); len(got) == 0 || got[0] != id {
			t.Errorf("Search(%q) = %v, want %s first", query, got, id)
		}
	}
}

func TestAnotherModelEmbedsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	espresso := post("1", "en", "The espresso bar opens on Saturday.")
	with := opened(t, path, sentences(t))
	add(t, opened(t, path, nil), "northwind", espresso)
	if got := find(t, with, Query{Text: "espresso"}); !cmp.Equal(got, []string{"1"}) {
		t.Errorf("before: found %v", got)
	}
	if r := add(t, with, "northwind", espresso); r.Replaced != 1 || r.ByModel[sentenceModel] != 1 {
		t.Errorf("report = %+v, want 1 replaced by the sentence model", r)
	}
	// Without the model its vectors are of no use, but the words still are.
	without := opened(t, path, nil)
	hits, err := without.Search(t.Context(), Query{Text: "espresso bar"})
	if err != nil || len(hits) != 1 || hits[0].Score != 0 {
		t.Errorf("hits = %+v, %v, want one without a similarity", hits, err)
	}
}

// TestSearchByMeaning asks for topics in words that their posts do not use, and
// for names. The figures are those of docs/adr/0003-embedding-model.md.
func TestSearchByMeaning(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "index.db"), sentences(t))
	data, err := os.ReadFile(filepath.Join("testdata", "topics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var topics []struct {
		Topic          string
		Posts, Queries []string
	}
	if err := json.Unmarshal(data, &topics); err != nil {
		t.Fatal(err)
	}
	var posts []content.Post
	for _, topic := range topics {
		for i, text := range topic.Posts {
			posts = append(posts, post(fmt.Sprintf("%s %d", topic.Topic, i), "en", text))
		}
	}
	add(t, s, "northwind", posts...)
	asked, first, reciprocal := 0., 0., 0.
	for _, topic := range topics {
		for _, query := range topic.Queries {
			asked++
			for rank, id := range find(t, s, Query{Text: query, Limit: len(posts)}) {
				if strings.HasPrefix(id, topic.Topic) {
					reciprocal += 1 / float64(rank+1)
					if rank == 0 {
						first++
					}
					break
				}
			}
		}
	}
	t.Logf("P@1 %.3f, MRR %.3f", first/asked, reciprocal/asked)
	if first/asked < .9 || reciprocal/asked < .93 {
		t.Errorf("P@1 = %.3f, MRR = %.3f, want at least .9 and .93", first/asked, reciprocal/asked)
	}
	for name, topic := range map[string]string{
		"Ridge 4": "running shoes", "Huila": "coffee", "SPF 50": "skincare", "Ines": "hiring", "static fire": "space",
		"Biscuit": "pets", "code SPRING": "discounts", "repair programme": "sustainability",
	} {
		if got := find(t, s, Query{Text: name, Limit: 1}); len(got) != 1 || !strings.HasPrefix(got[0], topic) {
			t.Errorf("Search(%q) = %v, want a post about %s", name, got, topic)
		}
	}
}

func TestDescribeSaysWhatItIndexesWith(t *testing.T) {
	if s := wordsAlone(t); s.Model() != lettersModel || !strings.Contains(s.Describe(), "without the sentence model") {
		t.Errorf("%s: %s", s.Model(), s.Describe())
	}
	s := opened(t, filepath.Join(t.TempDir(), "index.db"), sentences(t))
	if s.Model() != sentenceModel || !strings.Contains(s.Describe(), "by meaning") {
		t.Errorf("%s: %s", s.Model(), s.Describe())
	}
}
