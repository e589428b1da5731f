package index

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReportSaysThatWordsAloneAreIndexed(t *testing.T) {
	s := wordsAlone(t)
	one := add(t, s, "northwind", post("1", "en", "espresso"), post("2", "es", "café"))
	other := add(t, s, "southwind", post("1", "en", "river"))
	want := Report{
		Posts: 3, Added: 3, WordsAlone: true,
		ByModel: map[string]int{lettersModel: 3}, Languages: map[string]int{"en": 2, "es": 1}, Unread: map[string]int{},
		Notes: []string{"Indexed by words alone: this program was built without the sentence model, " +
			"so 3 posts are compared by words and letter groups, not by meaning."},
	}
	if d := cmp.Diff(want, Sum(one, other)); d != "" {
		t.Errorf("sum (-want +got):\n%s", d)
	}
	if r := Sum(); len(r.Notes) != 0 || r.WordsAlone {
		t.Errorf("the sum of nothing = %+v", r)
	}
}
