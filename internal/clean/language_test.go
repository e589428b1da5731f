package clean

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/clean/ngrams"
	"github.com/stagewatch/stagewatch/internal/content"
)

// captions were written for this test, each in the tone of a real one.
func captions() map[string][]string {
	return map[string][]string{
		"en": {"Our new kettle is here and it whistles in tune! ☕️ #KettleOn", "Which mug are you today?", "Good morning from the tea garden", "We can't wait to show you what's next 👀"},
		"es": {"¡Ya llegó la nueva tetera y silba afinada! ☕️", "¿Qué taza eres hoy?", "Buenos días desde el jardín del té", "No te pierdas el sorteo de mañana"},
		"fr": {"La nouvelle bouilloire est arrivée et elle siffle juste !", "Quelle tasse es-tu aujourd'hui ?", "Bonjour depuis le jardin de thé"},
		"de": {"Der neue Wasserkessel ist da und pfeift im Takt!", "Welche Tasse bist du heute?", "Guten Morgen aus dem Teegarten"},
		"it": {"È arrivato il nuovo bollitore e fischia intonato!", "Che tazza sei oggi?", "Buongiorno dal giardino del tè"},
		"pt": {"A nova chaleira chegou e assobia afinada!", "Qual caneca você é hoje?", "Bom dia do jardim de chá"},
		"nl": {"De nieuwe waterkoker is er en hij fluit zuiver!", "Welke mok ben jij vandaag?"},
		"sv": {"Den nya kitteln är här och den visslar rent!", "Vilken mugg är du idag?"},
		"da": {"Den nye kedel er her, og den fløjter rent!", "Hvilket krus er du i dag?"},
		"pl": {"Nowy czajnik już jest i gwiżdże czysto!", "Jakim kubkiem dziś jesteś?"},
		"cs": {"Nová konvice je tady a píská čistě!", "Který hrnek jsi dnes ty?"},
		"sk": {"Nová kanvica je tu a píska čisto, môžeš ju vyskúšať!", "Ktorý hrnček si dnes vyberieš?"},
		"sl": {"Novi čajnik je tukaj in žvižga uglašeno!", "Katera skodelica ste danes vi?"},
		"hr": {"Novi čajnik je stigao i zviždi čisto!", "Koja si šalica danas?", "Osvježenje koje ste čekali stiglo je u Sarajevo"},
		"sq": {"Çajniku i ri ka ardhur dhe fërshëllen bukur!", "Cila filxhan je ti sot? Na ndiqni nesër"},
		"hu": {"Megérkezett az új teáskanna, és tisztán fütyül!", "Melyik bögre vagy ma?"},
		"ro": {"A sosit noul ceainic și fluieră frumos!", "Ce cană ești astăzi?"},
		"tr": {"Yeni çaydanlık geldi ve çok güzel ötüyor!", "Bugün hangi fincansın?"},
		"az": {"Yeni çaydan gəldi və çox gözəl fit çalır!", "Bu gün hansı fincansan?"},
		"fi": {"Uusi teepannu on täällä ja se viheltää puhtaasti!", "Mikä muki olet tänään?"},
		"vi": {"Ấm đun nước mới đã đến và nó hát rất hay!", "Hôm nay bạn là chiếc cốc nào?"},
		"ru": {"Новый чайник уже здесь и свистит чисто!", "Какая ты сегодня кружка?"},
		"uk": {"Новий чайник уже тут і свистить чисто!", "Яка ти сьогодні чашка?"},
		"bg": {"Новият чайник е тук и свири чисто!", "Коя чаша си днес?"},
		"el": {"Ο νέος βραστήρας έφτασε και σφυρίζει σωστά!"},
		"hy": {"Նոր թեյնիկը Acme-ից արդեն այստեղ է", "Բարի լույս 😊"},
		"ka": {"ახალი ჩაიდანი უკვე აქ არის #KettleOn"},
		"ar": {"وصلت الغلاية الجديدة وصفيرها جميل", "صباح الخير من حديقة الشاي"},
		"he": {"הקומקום החדש הגיע והוא שורק יפה"},
		"fa": {"کتری جدید رسید و خیلی قشنگ سوت می\u200cزند"},
		"hi": {"नई केतली आ गई है और यह सुर में सीटी बजाती है"},
		"ja": {"新しいやかんが届きました", "今日はどのマグカップ？", "新茶入荷の日"},
		"zh": {"新的水壶到了，声音很好听", "早上好"},
		"ko": {"새 주전자가 도착했어요"},
		"th": {"กาน้ำใหม่มาถึงแล้ว"},
		"zxx": {
			"", "🤩🤩", "https://t.co/abc https://acme.example/tea", "#KettleOn @acmetea", "12 / 12 🎉 100%", "❤️‍🔥",
			"tea@acme.example",
		},
		"und": {"Mmh", "Ok", "x"},
	}
}

// frequencies returns the embedded table, or skips when it was not made.
func frequencies(t testing.TB) ngrams.Table {
	t.Helper()
	table, err := ngrams.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if table.Empty() {
		t.Skip("not checked: the language table is missing; `make languages` brings it")
	}
	return table
}

// byTable returns the language that the table tells, or what is told without it.
func byTable(t *testing.T, language string) string {
	t.Helper()
	if !LanguagesKnown() {
		t.Logf("not checked: that a post is in %q: the language table is missing; `make languages` brings it", language)
		return content.UnknownLanguage
	}
	return language
}

func TestTheLanguageOfACaptionIsTold(t *testing.T) {
	table := frequencies(t)
	told, all := 0, 0
	for want, texts := range captions() {
		for _, text := range texts {
			all++
			got := tell(table, text).language
			switch got {
			case want:
				told++
			case content.UnknownLanguage:
				t.Logf("tell(%q) is not told, is %q", text, want)
			default:
				t.Logf("tell(%q) = %q, want %q", text, got, want)
			}
			if (want == "zxx") != (got == "zxx") {
				t.Errorf("tell(%q) = %q, want %q", text, got, want)
			}
		}
	}
	if share := float64(told) / float64(all); share < 0.95 {
		t.Errorf("%d of %d captions told", told, all)
	}
	t.Logf("%d of %d captions told", told, all)
}

func told(t *testing.T, table ngrams.Table, texts ...string) []string {
	t.Helper()
	posts := make([]content.Post, len(texts))
	for i, text := range texts {
		posts[i].Text = text
	}
	languages(table, posts)
	var all []string
	for _, p := range posts {
		all = append(all, p.Language)
	}
	return all
}

func TestAShortCaptionIsInTheAccountsLanguageIfItMayBe(t *testing.T) {
	table := frequencies(t)
	english := []string{
		"Our new kettle is here and it whistles in tune!", "Which mug are you today, and why that one?", "Good morning from the tea garden",
		"We can't wait to show you what's next", "Thank you all for coming to the tasting",
	}
	const short = "Congrats Morocco!!"
	if got := told(t, table, short)[0]; got != content.UnknownLanguage {
		t.Errorf("%q alone is %q, want %q", short, got, content.UnknownLanguage)
	}
	got := told(t, table, append(english, "Game set and match", "Buenos días desde el jardín del té", "Տեյնիկ", "🤩")...)
	want := []string{"en", "en", "en", "en", "en", "en", "es", "hy", content.NoWords}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("languages (-want +got):\n%s", diff)
	}
	japanese := []string{"新しいやかんが届きました", "今日はどのマグカップ？", "おはようございます", "お茶の時間です", "明日をお楽しみに", "新茶入荷"}
	if got := told(t, table, japanese...)[5]; got != "ja" {
		t.Errorf("Han of an account that writes Japanese is %q, want ja", got)
	}
}

func TestWithoutATableOnlyScriptsAndPlatformsTellTheLanguage(t *testing.T) {
	script := map[string]bool{
		"el": true, "hy": true, "ka": true, "he": true, "ja": true, "zh": true, "ko": true, "th": true, content.NoWords: true,
	}
	for language, texts := range captions() {
		want := content.UnknownLanguage
		if script[language] {
			want = language
		}
		for _, text := range texts {
			if got := tell(ngrams.Table{}, text).language; got != want {
				t.Errorf("tell(%q) = %q, want %q", text, got, want)
			}
		}
	}
	posts := []content.Post{
		{Text: "Good morning from the tea garden", Language: "en"},
		{Text: "Which mug are you today?", Language: "en"},
		{Text: "Thank you all for coming", Language: "en"},
		{Text: "See you tomorrow", Language: "en"},
		{Text: "The kettle is back", Language: "en"},
		{Text: "Our new kettle is here"},
		{Text: "새 주전자가 도착했어요"},
		{Text: "🤩", Language: "en"},
	}
	languages(ngrams.Table{}, posts)
	var got []string
	for _, p := range posts {
		got = append(got, p.Language)
	}
	want := []string{"en", "en", "en", "en", "en", content.UnknownLanguage, "ko", content.NoWords}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("languages (-want +got):\n%s", diff)
	}
}

func TestLanguagesKnownSaysWhetherThereIsATable(t *testing.T) {
	known := LanguagesKnown()
	table, err := ngrams.Embedded()
	if err != nil || known == table.Empty() {
		t.Errorf("LanguagesKnown() = %v with a table that is empty: %v (%v)", known, table.Empty(), err)
	}
}

func TestPlatformsLanguageCodesAreMapped(t *testing.T) {
	for in, want := range map[string]string{
		"en": "en", "pt-BR": "pt", "in": "id", "iw": "he", "ji": "yi", "zxx": "zxx", "qme": "zxx", "qht": "zxx", "qst": "und", "und": "und",
		"ckb": "ckb", "": "", "english": "", "e1": "", "x": "",
	} {
		if got := platformLanguage(in); got != want {
			t.Errorf("platformLanguage(%q) = %q, want %q", in, got, want)
		}
	}
}

func BenchmarkTell(b *testing.B) {
	table := frequencies(b)
	for b.Loop() {
		tell(table, "Our new kettle is here and it whistles in tune! Come and hear it tomorrow morning.")
	}
}
