package index

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestTerms(t *testing.T) {
	for text, want := range map[string]string{
		"Ten EASY kilometres, then pancakes!":  "ten|easy|kilometres|then|pancakes",
		"Crème brûlée à l'été":                 "creme|brulee|a|l|ete",
		"#MondayMotivation @north_wind $19.99": "mondaymotivation|north|wind|19|99",
		"Новая коллекция уже":                  "новая|коллекция|уже",
		"新しい靴 now":                             "新し|しい|い靴|now",
		"コーヒー":                                 "コー|ーヒ|ヒー",
		"ｆｕｌｌ ｗｉｄｔｈ":                           "full|width",
		"e\u0301te\u0301":                      "ete",
		"हिंदी में":                            "हिंदी|में",
		"🔥🔥 !!":                                "",
		"靴":                                    "靴",
		"don\u2019t\u200b stop":                "don|t|stop",
		strings.Repeat("a", 3) + "\xff" + "b":  "aaa|b",
	} {
		if got := strings.Join(terms(text), "|"); got != want {
			t.Errorf("terms(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestReadableLeavesLinksOut(t *testing.T) {
	for text, want := range map[string]string{
		"new post https://example.com/espresso?x=1 now": "new post now",
		"www.example.com":          "",
		"  two\n lines ":           "two lines",
		"ratio 3:1 and http alone": "ratio 3:1 and http alone",
	} {
		if got := readable(text); got != want {
			t.Errorf("readable(%q) = %q, want %q", text, got, want)
		}
	}
}

func similarity(a, b string) float64 {
	var sum float64
	x, y := letters(a), letters(b)
	for i := range x {
		sum += float64(x[i]) * float64(y[i])
	}
	return sum
}

func TestLettersKnowFormsOfAWord(t *testing.T) {
	for name, c := range map[string]struct{ text, near, far string }{
		"Spanish":  {"Nuevas zapatillas para correr", "La zapatilla nueva", "Descuento en café este fin de semana"},
		"Russian":  {"Новая коллекция кроссовок", "Кроссовки из новой коллекции", "Скидка на кофе только сегодня"},
		"Japanese": {"新しいスニーカーが発売", "スニーカーの新作", "週末はコーヒーが半額"},
		"German":   {"Neue Laufschuhe für den Herbst", "Der Laufschuh ist neu", "Kaffee am Wochenende günstiger"},
	} {
		if near, far := similarity(c.text, c.near), similarity(c.text, c.far); near < far+.1 || near <= leastLikeness {
			t.Errorf("%s: similarity to the near text is %.3f, to the far one %.3f", name, near, far)
		}
	}
}

func TestLettersIgnoreCaseAccentsAndOrderOfNothingElse(t *testing.T) {
	if got := similarity("CRÈME Brûlée, maison", "creme brulee maison"); math.Abs(got-1) > 1e-6 {
		t.Errorf("similarity = %v, want 1", got)
	}
	if got := similarity("espresso", "river"); math.Abs(got) > leastLikeness {
		t.Errorf("two unlike words have similarity %v", got)
	}
}

func FuzzLetters(f *testing.F) {
	for _, seed := range []string{"", "espresso", "Crème 新しい ไทย", "\xff\u0301\u200d", strings.Repeat("ー", 40)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := letters(text)
		if (v == nil) != (len(terms(text)) == 0) {
			t.Fatalf("letters(%q) = %v although terms are %q", text, v, terms(text))
		}
		if v == nil {
			return
		}
		var squares float64
		for _, x := range v {
			squares += float64(x) * float64(x)
		}
		// Features of opposite sign may cancel out to nothing, never to a part of a length.
		if squares != 0 && math.Abs(squares-1) > 1e-5 {
			t.Fatalf("letters(%q) has length %v", text, math.Sqrt(squares))
		}
		if !slices.Equal(v, letters(text)) {
			t.Fatalf("letters(%q) is not always the same", text)
		}
	})
}
