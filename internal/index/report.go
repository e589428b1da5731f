package index

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// Report says what [Store.Add] did.
type Report struct {
	Posts    int `json:"posts"`    // given, each id once
	Added    int `json:"added"`    // new in the index
	Replaced int `json:"replaced"` // their text or the model had changed
	Kept     int `json:"kept"`     // not embedded again
	// ByModel counts the posts by the id of the model that reads them, "" for
	// posts without words.
	ByModel map[string]int `json:"by_model"`
	// Languages counts the posts by language.
	Languages map[string]int `json:"languages"`
	// Unread counts, by language, the posts that only their words and letters
	// place although there is a sentence model.
	Unread map[string]int `json:"unread,omitempty"`
	// WordsAlone says that the program was built without the sentence model.
	WordsAlone bool `json:"words_alone,omitempty"`
	// Notes are sentences for whoever reads the results.
	Notes []string `json:"notes,omitempty"`
}

func newReport(model bool) Report {
	return Report{ByModel: map[string]int{}, Languages: map[string]int{}, Unread: map[string]int{}, WordsAlone: !model}
}

func (r *Report) count(e *entry) {
	r.Posts++
	r.ByModel[e.model]++
	r.Languages[e.post.Language]++
	if e.model == lettersModel && !r.WordsAlone {
		r.Unread[e.post.Language]++
	}
}

// Sum returns the reports of several accounts as one.
func Sum(reports ...Report) Report {
	all := newReport(true)
	for _, r := range reports {
		all.Posts += r.Posts
		all.Added += r.Added
		all.Replaced += r.Replaced
		all.Kept += r.Kept
		all.WordsAlone = all.WordsAlone || r.WordsAlone
		for _, m := range []struct{ to, from map[string]int }{
			{all.ByModel, r.ByModel}, {all.Languages, r.Languages}, {all.Unread, r.Unread},
		} {
			for name, n := range m.from {
				m.to[name] += n
			}
		}
	}
	all.Notes = all.notes()
	return all
}

// notes says in sentences what a reader must know of the vectors.
func (r Report) notes() []string {
	var notes []string
	if n := r.ByModel[lettersModel]; r.WordsAlone && n > 0 {
		notes = append(notes, fmt.Sprintf("Indexed by words alone: this program was built without the sentence model, "+
			"so %s compared by words and letter groups, not by meaning.", are(n)))
	}
	if len(r.Unread) > 0 {
		var parts []string
		total := 0
		for _, language := range slices.Sorted(maps.Keys(r.Unread)) {
			parts = append(parts, fmt.Sprintf("%d in %s", r.Unread[language], named(language)))
			total += r.Unread[language]
		}
		notes = append(notes, fmt.Sprintf("The sentence model reads English: %s compared by words and letter groups, "+
			"not by meaning, and only with one another (%s).", are(total), strings.Join(parts, ", ")))
	}
	if n := r.ByModel[""]; n > 0 {
		notes = append(notes, fmt.Sprintf("%s no words to index: no search and no topic finds them.", have(n)))
	}
	return notes
}

func are(n int) string {
	if n == 1 {
		return "1 post is"
	}
	return fmt.Sprintf("%d posts are", n)
}

func have(n int) string {
	if n == 1 {
		return "1 post has"
	}
	return fmt.Sprintf("%d posts have", n)
}

// named returns the language's code as a reader takes it.
func named(language string) string {
	switch language {
	case content.UnknownLanguage, "":
		return "a language that could not be told"
	case content.NoWords:
		return "no language"
	default:
		return "language " + language
	}
}
