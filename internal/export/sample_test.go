package export

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// Everything in the samples is invented: handles, words and numbers.

func at(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}
	}
	return t
}

// samples are the accounts that every shape and the report must cope with.
func samples() map[string]Input {
	return map[string]Input{
		"branding with competitors": branding(100),
		"thin account":              thin(),
		"most-liked tweets":         tweets(),
		"right to left":             rightToLeft(),
	}
}

// post is one invented post; its numbers follow from n alone.
func post(account string, p content.Platform, n int, when time.Time) content.Post {
	kinds := []content.Kind{content.Photo, content.Video, content.Carousel, content.Photo}
	words := []string{
		"Morning light on the new glaze. Which one would you take home? #stoneware #slowmade",
		"Behind the kiln door: 1,240 °C and a lot of patience.\n\nSwipe for the before. #kiln",
		"Restock on Friday at noon – the blue bowls come back 💙🥣 #restock #stoneware",
		"A mug is a small daily luxury. Tell us about yours! #mug",
		"How we throw a bowl in ninety seconds 🎥 #howitsmade #wheel",
	}
	likes := int64(900 + 260*(n%5) + 37*(n%11) + 400*(n%4)/3)
	if n%37 == 9 {
		likes *= 9
	}
	out := content.Post{
		ID: fmt.Sprintf("%s-%d", account, n), Platform: p, Account: account, Author: account,
		URL: fmt.Sprintf("https://example.com/%s/%d", account, n), Time: when, Kind: kinds[n%4], Text: words[n%5], Language: "en",
		Likes: &likes, Comments: new(int64(12 + n%17)),
	}
	if out.Kind == content.Video {
		out.Views = new(likes * 14)
	}
	return out
}

func branding(n int) Input {
	account := content.Account{
		Platform: content.Instagram, Username: "kilnandclay", Type: content.Branding, TypeGiven: true, Style: "warm, unhurried, honest about process",
		Competitors: []string{"mudroom.studio", "wheel_house"}, Timezone: "Europe/Berlin",
	}
	newest := at("2025-08-20").Add(16 * time.Hour)
	main := content.Source{
		Username: "kilnandclay", Order: content.Recent, OrderReason: "the posts fall off in time from the newest on", Scraped: at("2025-08-21"),
		Profile: &content.Profile{
			Platform: content.Instagram, Username: "kilnandclay", Name: "Kiln & Clay", Bio: "Stoneware for every day.\nMade in small batches <3",
			URL: "https://example.com/kilnandclay", Website: "https://shop.example.com", Category: "Home goods",
			Followers: new(int64(182_430)), Following: new(int64(311)), Posts: new(int64(1_204)), Verified: new(true),
		},
		Dropped: []content.Dropped{{ID: "9", Index: 4, Reason: "child of a carousel, no post of its own"}, {ID: "9", Index: 5, Reason: "child of a carousel, no post of its own"}, {Index: 77, Reason: "record of an error, no post"}},
		Mended:  map[string]int{"trailing punctuation of a hashtag": 6, "HTML entities decoded": 2},
	}
	for i := range n {
		when := at("2025-08-20").AddDate(0, 0, -(i*13)/10).Add(time.Duration([]int{15, 6, 16, 10, 15, 17, 7}[i%7])*time.Hour + time.Duration(i%6)*9*time.Minute)
		main.Posts = append(main.Posts, post("kilnandclay", content.Instagram, i, when))
	}
	rival := content.Source{
		Username: "mudroom.studio", Order: content.Recent, Scraped: at("2025-08-21"),
		Profile: &content.Profile{Platform: content.Instagram, Username: "mudroom.studio", Followers: new(int64(64_010))},
	}
	for i := range 24 {
		rival.Posts = append(rival.Posts, post("mudroom.studio", content.Instagram, i+3, newest.Add(-time.Duration(i*40)*time.Hour)))
	}
	corpus := content.Corpus{Account: account, Main: main, Competitors: []content.Source{
		rival, {Username: "wheel_house", Order: content.Recent, Missing: "The account is private."},
	}}
	in := Input{
		Run:    Run{ID: "run-01JABCDE", Definition: "content", Version: "1", Started: at("2025-08-21").Add(9 * time.Hour), Inputs: map[string]string{"instagram/kilnandclay/kilnandclay.json": strings.Repeat("ab", 32)}},
		Corpus: corpus, Analysis: analysisOf(main, "Europe/Berlin"),
	}
	in.Analysis.Forecast = content.Forecast{
		Level: 0.8, Method: "Damped trend with a season of seven days.", MASE: new(0.87), Coverage: new(0.79),
	}
	for i := range 14 {
		value := 1500 + 300*math.Sin(float64(i))
		in.Analysis.Forecast.Points = append(in.Analysis.Forecast.Points, content.Point{
			Date: at("2025-08-21").AddDate(0, 0, i).Format(time.DateOnly), Value: value, Low: value - 500 - 20*float64(i), High: value + 600 + 30*float64(i),
		})
	}
	in.Plan = planFor(in)
	return in
}

// analysisOf measures a source simply; stage 4's own arithmetic is not under test here.
func analysisOf(s content.Source, zone string) content.Analysis {
	where := content.Account{Timezone: zone}.Location()
	a := content.Analysis{Timezone: zone, Metric: "likes + comments", Order: s.Order, Dated: len(s.Posts), Comparable: len(s.Posts)}
	for h := range 24 {
		a.Hours = append(a.Hours, content.Cell{Hour: h, Weekday: -1})
	}
	for d := range 7 {
		a.Weekdays = append(a.Weekdays, content.Cell{Hour: -1, Weekday: d})
	}
	var values []float64
	days := map[string]content.Day{}
	kinds := map[content.Kind][]float64{}
	total := 0.0
	for _, p := range s.Posts {
		sum, _ := p.Engagement()
		v, t := float64(sum), p.Time.In(where)
		values, total = append(values, v), total+v
		kinds[p.Kind] = append(kinds[p.Kind], v)
		for _, c := range []*content.Cell{&a.Hours[t.Hour()], &a.Weekdays[(int(t.Weekday())+6)%7]} {
			c.N, c.Posts, c.Mean = c.N+1, c.Posts+1, c.Mean+v
		}
		d := days[t.Format(time.DateOnly)]
		d.Posts, d.Engagement = d.Posts+1, d.Engagement+v
		days[t.Format(time.DateOnly)] = d
	}
	if len(values) == 0 {
		return a
	}
	mean := total / float64(len(values))
	for _, cells := range [][]content.Cell{a.Hours, a.Weekdays} {
		for i := range cells {
			if n := float64(cells[i].N); n > 0 {
				cells[i].Shrunk = (cells[i].Mean + 5*mean) / (n + 5)
				cells[i].Mean /= n
			}
		}
	}
	slices.Sort(values)
	a.Summary = content.Summary{N: len(values), Mean: mean, Median: values[len(values)/2], P25: values[len(values)/4], P75: values[len(values)*3/4], Max: values[len(values)-1]}
	a.From, a.To = s.Posts[len(s.Posts)-1].Time, s.Posts[0].Time
	for t := a.From.In(where); !t.After(a.To.In(where)) && s.Order == content.Recent; t = t.AddDate(0, 0, 1) {
		d := days[t.Format(time.DateOnly)]
		d.Date = t.Format(time.DateOnly)
		a.Series = append(a.Series, d)
	}
	for _, k := range []content.Kind{content.Photo, content.Video, content.Carousel, content.Text, content.Link} {
		if v := kinds[k]; len(v) > 0 {
			slices.Sort(v)
			a.Kinds = append(a.Kinds, content.KindFigure{Kind: k, Posts: len(v), N: len(v), Mean: v[len(v)/2] * 1.1, Median: v[len(v)/2]})
		}
	}
	if s.Order == content.MostLiked {
		const reason = "The posts are the account's most-liked ones, not its newest."
		a.Forecast.NotEnough, a.Anomalies.NotEnough, a.Weekly.NotEnough, a.Summary.PerWeekReason = reason, reason, reason, reason
		return a
	}
	a.Summary.PerWeek = new(float64(len(values)) / (a.To.Sub(a.From).Hours() / 168))
	a.Weekly = content.Weekly{Busiest: 2, Strongest: 4, Chance: new(0.03)}
	a.Anomalies.Method = "Robust z-score of the logarithm against the neighbouring posts; from 3.5 on a post is called unusual."
	for _, p := range s.Posts {
		if sum, _ := p.Engagement(); float64(sum) > 4*a.Summary.Median {
			a.Anomalies.Found = append(a.Anomalies.Found, content.Anomaly{PostID: p.ID, Time: p.Time, Value: float64(sum), Expected: a.Summary.Median, Score: 5.2})
		}
	}
	a.Best = content.BestTimes{Caveat: "Slots of few posts are drawn toward the mean.", Slots: []content.Slot{
		{Label: "Friday 17:00–20:00", Weekday: 4, From: 17, To: 20, N: 7, Lift: 1.24, Mean: 2110, PostIDs: ids(s.Posts[:7])},
		{Label: "any day 08:00–11:00", Weekday: -1, From: 8, To: 11, N: 11, Lift: 1.08, Mean: 1790, PostIDs: ids(s.Posts[5:16])},
	}}
	return a
}

func ids(posts []content.Post) []string {
	var out []string
	for _, p := range posts {
		out = append(out, p.ID)
	}
	return out
}

func planFor(in Input) content.Plan {
	own, rival := in.Corpus.Main.Posts, in.Corpus.Competitors[0].Posts
	p := content.Plan{
		Account: in.Corpus.Account, Made: at("2025-08-21").Add(9*time.Hour + 4*time.Minute), Analyzed: len(own), Language: "en",
		Notes: []string{"Likes of 3 posts are hidden: they are not compared.", "The competitor wheel_house is private: nothing is said of it."},
		Profile: []content.Statement{
			{About: "profile", Text: "182,430 people follow the account; a usual post reaches 1 in 95 of them as a like or a comment", Figures: []content.Figure{{Name: "median engagement", Value: 1912, N: len(own)}, {Name: "of followers", Value: 1.05, Unit: "%"}}, PostIDs: ids(own[:30])},
			{About: "rhythm", Text: "It posts 5.4 times a week, most on Wednesdays.", PostIDs: ids(own[:4])},
		},
		Works: []content.Statement{
			{About: "kind", Text: "Carousels get 31 % more than photos.", Figures: []content.Figure{{Name: "carousel median", Value: 2210, N: 25}, {Name: "photo median", Value: 1687, N: 50}}, PostIDs: ids(own[2:20])},
			{About: "hashtag", Text: "Posts with #restock do 18 % better than the rest.", PostIDs: ids(own[2:9])},
		},
		Trend: []content.Statement{{About: "forecast", Text: "Forecast of 1,450 a day for the week from 20 August 2025.", Figures: []content.Figure{{Name: "forecast", Value: 1450}}, PostIDs: ids(own[:3])}},
		Topics: []content.Topic{
			{Name: "restock, blue bowls", Terms: []string{"restock", "blue bowls", "friday"}, PostIDs: ids(own[2:22]), Mean: 2310, N: 20, Lift: 1.22},
			{Name: "behind the kiln", Terms: []string{"kiln", "1,240 °C", "patience"}, PostIDs: ids(own[1:9]), Mean: 1480, N: 8, Lift: 0.86},
		},
		Next: content.NextPost{
			Caption: "Friday, noon: the blue bowls are back. 💙\n\nWe fired forty this time. Which size do you reach for?", Hashtags: []string{"#restock", "#stoneware", "#slowmade"},
			CallToAction: "Tell us your size in the comments.", ImagePrompt: "Forty deep-blue stoneware bowls drying on a long wooden shelf, low morning light, no text",
			Headline: "The blue bowls are back", Language: "en", When: "Friday 17:00–20:00, Europe/Berlin", PostIDs: ids(own[2:5]), Why: "Restock posts get 22 % more than the account's mean (20 posts).",
		},
		Competitors: []content.CompetitorAnalysis{
			{
				Username: "mudroom.studio", Overview: "A third of your followers, but 1.6 times your engagement for each follower.", Themes: []string{"wheel", "restock"},
				Figures:   []content.Figure{{Name: "median engagement", Value: 1834, N: 24}, {Name: "followers", Value: 64010}},
				Strengths: []content.Statement{{About: "kind", Text: "Its videos get twice its photos.", PostIDs: ids(rival[:6])}}, Vulnerabilities: []content.Statement{{About: "rhythm", Text: "It was silent for 19 days in July.", PostIDs: ids(rival[6:8])}},
				CounterStrategies: []content.Statement{{About: "topic", Text: "Show the wheel in video: it works there and you have three such posts.", PostIDs: append(ids(rival[:3]), own[4].ID)}},
			},
			{Username: "wheel_house", Missing: "The account is private."},
		},
	}
	for i := range 15 {
		p.Recommendations = append(p.Recommendations, content.Recommendation{
			Title: fmt.Sprintf("Make carousel %d of the process", i+1), About: "kind", Why: "Carousels get 31 % more than photos: a median of 2,210 against 1,687.",
			How: "Three to five pictures from clay to table; the first one shows the finished piece.", Measure: "The median of the next six carousels against 2,210.",
			Figures: []content.Figure{{Name: "carousel median", Value: 2210, Unit: "", N: 25}, {Name: "above photos", Value: 31, Unit: "%"}},
			PostIDs: ids(own[i:min(i+3+i, len(own))]), Evidence: []string{"strong", "moderate", "weak"}[i%3],
		})
	}
	return p
}

// thin is an account of which almost nothing is known.
func thin() Input {
	account := content.Account{Platform: content.Facebook, Username: "small.bakery & co", Type: content.NonBranding}
	main := content.Source{Username: account.Username, Order: content.Recent, Posts: []content.Post{
		{ID: "1", Platform: content.Facebook, Account: account.Username, Kind: content.Text, Text: "We are open.", Language: "en", Time: at("2025-05-01")},
	}}
	const reason = "1 post is too few; 20 with known engagement are needed."
	a := content.Analysis{Timezone: "UTC", Metric: "likes + comments + shares", Order: content.Recent, Dated: 1, From: at("2025-05-01"), To: at("2025-05-01")}
	a.Best.NotEnough, a.Weekly.NotEnough, a.Anomalies.NotEnough, a.Forecast.NotEnough, a.Summary.PerWeekReason = reason, reason, reason, reason, reason
	return Input{
		Run: Run{ID: "thin-1", Definition: "content", Version: "1", Started: at("2025-08-21")}, Corpus: content.Corpus{Account: account, Main: main}, Analysis: a,
		Plan: content.Plan{
			Account: account, Made: at("2025-08-21"), Analyzed: 1, Notes: []string{"The account type was not given."},
			Next: content.NextPost{Withheld: "1 post is too few to say what works; 5 are needed."}, Withheld: "Not enough data for a recommendation: 1 post, 5 are needed.",
		},
	}
}

// tweets are an account's most-liked posts of seven years.
func tweets() Input {
	account := content.Account{Platform: content.Twitter, Username: "OrbitalPete", Type: content.NonBranding, TypeGiven: true, Timezone: "America/New_York"}
	main := content.Source{Username: "OrbitalPete", Order: content.MostLiked, OrderReason: "61 of 97 neighbours are in order of likes", Profile: &content.Profile{
		Platform: content.Twitter, Username: "OrbitalPete", Name: "Pete", Followers: new(int64(2_200_000)), Website: "javascript:alert(1)",
	}}
	for i := range 98 {
		p := post("OrbitalPete", content.Twitter, i, at("2025-02-10").Add(-time.Duration(i*i)*8*time.Hour))
		p.Likes, p.Shares, p.Kind = new(int64(30_000+i*i*i*3)), new(int64(1200)), content.Text
		if i%3 == 0 {
			p.Kind, p.Text, p.Language = content.Link, "", content.NoWords
		}
		main.Posts = append(main.Posts, p)
	}
	in := Input{
		Run:    Run{ID: "tw_7", Definition: "content", Version: "1", Started: at("2025-08-21")},
		Corpus: content.Corpus{Account: account, Main: main}, Analysis: analysisOf(main, "America/New_York"),
	}
	in.Plan = content.Plan{
		Account: account, Made: at("2025-08-21"), Analyzed: 98, Language: "en", Notes: []string{"These are the account's most-liked tweets ever, not its newest: no rate, trend or forecast is drawn from them."},
		Works: []content.Statement{{About: "length", Text: "Among the winners, tweets of fewer than eight words are the most liked.", PostIDs: ids(main.Posts[:9])}},
		Next:  content.NextPost{Tweet: "Orbit is a place, not a speed.", Hashtags: nil, CallToAction: "", ImagePrompt: "A quiet Earth limb at dawn", PostIDs: ids(main.Posts[:2])},
		Recommendations: []content.Recommendation{{
			Title: "Keep it under eight words", About: "length", Why: "9 of the 20 most liked are.", How: "One thought, one sentence.", PostIDs: ids(main.Posts[:9]), Evidence: "weak",
		}},
		Withheld: "The data carry 1 recommendation.",
	}
	return in
}

// rightToLeft is an account in Arabic with words that would like to be markup.
func rightToLeft() Input {
	in := branding(30)
	for i := range in.Corpus.Main.Posts {
		in.Corpus.Main.Posts[i].Language = "ar"
		in.Corpus.Main.Posts[i].Text = "صباح الخير من ورشة الخزف 🌿 #خزف أي لون تفضلون؟"
	}
	in.Corpus.Main.Posts[2].Text = `</script><script>alert("x")</script><img src=x onerror=alert(1)> ` + strings.Repeat("كلمة ", 2000)
	in.Corpus.Main.Posts[2].URL = "javascript:alert(document.domain)"
	in.Corpus.Main.Posts[3].URL = "data:text/html,<script>1</script>"
	in.Corpus.Main.Posts[4].Text = "\u202egnp.exe\u202c <style>*{display:none}</style> {{.CSS}} ]]>"
	in.Plan.Next.Caption = "القطع الزرقاء تعود يوم الجمعة 💙 <b>ظهرا</b>"
	in.Plan.Next.Headline, in.Plan.Next.Language = "الأزرق يعود", "ar"
	in.Plan.Topics[0].Name = `"><svg onload=alert(1)>`
	in.Corpus.Main.Profile.URL = "javascript:alert(1)"
	return in
}

func TestSamplesMeetTheirSchemas(t *testing.T) {
	for name, in := range samples() {
		t.Run(name, func(t *testing.T) {
			items, err := prepare(in, placeOf(in.Plan.Account))
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range items {
				if len(it.data) == 0 {
					t.Errorf("%s %s%s is empty", it.section, it.key, it.series)
				}
			}
		})
	}
}
