package clean

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

func today() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func posts(t *testing.T, platform content.Platform, username, data string) content.Source {
	t.Helper()
	s, err := Posts(platform, username, []byte(data), today())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// dropped returns the reasons by the index of their records.
func dropped(s content.Source) map[int]string {
	all := map[int]string{}
	for _, d := range s.Dropped {
		all[d.Index] = d.Reason
	}
	return all
}

const instagramScrape = `[{
 "inputUrl":"https://www.instagram.com/acme.tea","id":"2999682241","username":"Acme.Tea","fullName":"Acme\n Tea","biography":"Kettles &amp; mugs",
 "externalUrls":[{"url":"https://acme.example"}],"followersCount":"13,285","followsCount":null,"postsCount":11804,"businessCategoryName":"None,Food",
 "private":false,"verified":true,
 "latestPosts":[
  {"id":3703006176649590714,"type":"Sidecar","caption":"Our new kettle is here #KettleOn, with @north.mugs!","hashtags":["KettleOn,","kettleon","extra…"],"mentions":["north.mugs"],
   "commentsCount":-1,"likesCount":null,"timestamp":"2025-08-20T01:19:17.000Z","ownerUsername":"acme.tea","isPinned":true,
   "childPosts":[{"id":"71","caption":"","timestamp":null,"likesCount":null}],"url":"https://www.instagram.com/p/a/"},
  {"id":"2","type":"Video","caption":"Good morning from the tea garden","commentsCount":3,"likesCount":"1,234","videoViewCount":22037,"timestamp":"2025-08-21T01:19:17.000Z","ownerUsername":"ACME.TEA"},
  {"id":"3","type":"Image","caption":"Loved it","ownerUsername":"north.mugs","timestamp":"2025-08-19T01:19:17.000Z"},
  {"id":"4","type":"Image","caption":"","commentsCount":0,"isCommentsDisabled":true,"likesCount":7,"timestamp":"2025-08-18T01:19:17.000Z"},
  {"id":"2","type":"Video","caption":"again"},
  {"error":"restricted_page","errorDescription":"x"},
  7,
  {"type":"Image","caption":"nameless"},
  {"type":"Image","url":"https://www.instagram.com/p/z/","caption":"undated","timestamp":"soon"},
  {"id":"6","type":"Image","caption":"tomorrow's world","timestamp":"2031-08-18T01:19:17.000Z"}
 ],
 "latestIgtvVideos":[{"id":"90","title":"old"},{"id":"2"}]
}]`

func TestInstagramPosts(t *testing.T) {
	s := posts(t, content.Instagram, "acme.tea", instagramScrape)
	var ids []string
	for _, p := range s.Posts {
		ids = append(ids, p.ID)
	}
	if diff := cmp.Diff([]string{"2", "3703006176649590714", "4", "https://www.instagram.com/p/z/", "6"}, ids); diff != "" {
		t.Errorf("posts, newest first and undated last (-want +got):\n%s", diff)
	}
	want := []content.Post{
		{
			ID: "2", Platform: content.Instagram, Account: "acme.tea", Author: "ACME.TEA", Time: time.Date(2025, 8, 21, 1, 19, 17, 0, time.UTC), Kind: content.Video,
			Text: "Good morning from the tea garden", Language: byTable(t, "en"), Likes: new(int64(1234)), Comments: new(int64(3)), Views: new(int64(22037)),
		},
		{
			ID: "3703006176649590714", Platform: content.Instagram, Account: "acme.tea", Author: "acme.tea", URL: "https://www.instagram.com/p/a/",
			Time: time.Date(2025, 8, 20, 1, 19, 17, 0, time.UTC), Kind: content.Carousel, Text: "Our new kettle is here #KettleOn, with @north.mugs!", Language: byTable(t, "en"),
			Hashtags: []string{"KettleOn", "extra"}, Mentions: []string{"north.mugs"}, Pinned: true,
		},
		{
			ID: "4", Platform: content.Instagram, Account: "acme.tea", Time: time.Date(2025, 8, 18, 1, 19, 17, 0, time.UTC), Kind: content.Photo,
			Language: content.NoWords, Likes: new(int64(7)),
		},
	}
	if diff := cmp.Diff(want, s.Posts[:3]); diff != "" {
		t.Errorf("posts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int]string{
		2: "another author's post: @north.mugs", 4: "repeats an earlier record", 5: "error record: restricted_page", 6: "not an object",
		7: "no id and no address", 10: "older IGTV video that is not among the newest posts",
	}, dropped(s)); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{
		"negative count taken as unknown": 1, "comments that are switched off taken as unknown": 1, "date in the future left out": 1,
		"date that cannot be read left out": 1, "hashtag with punctuation": 2, "post without an id, known by its address": 1, "post without a date": 2,
	}, s.Mended); diff != "" {
		t.Errorf("mended (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&content.Profile{
		Platform: content.Instagram, Username: "Acme.Tea", Name: "Acme Tea", Bio: "Kettles & mugs", URL: "https://www.instagram.com/acme.tea",
		Website: "https://acme.example", Category: "Food", Followers: new(int64(13285)), Posts: new(int64(11804)), Verified: new(true),
	}, s.Profile); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
}

const twitterScrape = `[
 {"type":"tweet","id":"1519480761749016577","url":"https://x.com/AcmeTea/status/1","text":"Tea &amp; cake with @north https://t.co/abc","retweetCount":5,"replyCount":4,"likeCount":900,
  "quoteCount":3,"bookmarkCount":2,"createdAt":"Thu Apr 28 00:56:58 +0000 2022","lang":"en","isQuote":true,
  "author":{"userName":"AcmeTea","name":"Acme Tea","followers":10,"following":2,"statusesCount":300,"isVerified":false,"isBlueVerified":true,"createdAt":"Tue Jun 02 20:12:29 +0000 2009",
   "description":"Kettles","entities":{"url":{"urls":[{"expanded_url":"https://acme.example"}]}}}},
 {"type":"tweet","id":"2","text":"https://t.co/def","likeCount":800,"createdAt":"Mon Aug 05 00:00:00 +0000 2024","lang":"zxx","author":{"userName":"acmetea"}},
 {"type":"tweet","id":"3","text":"RT @north: mugs","isRetweet":true,"likeCount":0,"createdAt":"Fri Aug 02 00:00:00 +0000 2024","lang":"in","author":{"userName":"AcmeTea"},"media":[{"type":"photo"},{"type":"photo"}]},
 {"type":"tweet","id":"4","text":"mugs","author":{"userName":"north"}},
 {"id":"5","text":"Older shape","user":{"username":"AcmeTea","totalFollowers":10},"likes":7,"retweets":6,"replies":5,"quotes":4,"timestamp":"2021-01-02T03:04:05.000Z","isReply":"true",
  "extendedEntities":{"media":[{"type":"animated_gif"}]}},
 {"profile_info":{"username":"unknown_user"},"note":"Placeholder due to save failure"},
 {"type":"user","id":"9","text":""},
 {}
]`

func TestTweets(t *testing.T) {
	s := posts(t, content.Twitter, "acmetea", twitterScrape)
	want := []content.Post{
		{ID: "2", Author: "acmetea", Time: time.Date(2024, 8, 5, 0, 0, 0, 0, time.UTC), Kind: content.Link, Links: []string{"https://t.co/def"}, Language: content.NoWords, Likes: new(int64(800))},
		{
			ID: "3", Author: "AcmeTea", Time: time.Date(2024, 8, 2, 0, 0, 0, 0, time.UTC), Kind: content.Carousel, Text: "RT @north: mugs", Mentions: []string{"north"},
			Language: "id", Likes: new(int64(0)), Repost: true,
		},
		{
			ID: "1519480761749016577", Author: "AcmeTea", URL: "https://x.com/AcmeTea/status/1", Time: time.Date(2022, 4, 28, 0, 56, 58, 0, time.UTC), Kind: content.Text,
			Text: "Tea & cake with @north", Mentions: []string{"north"}, Links: []string{"https://t.co/abc"}, Language: "en",
			Likes: new(int64(900)), Comments: new(int64(4)), Shares: new(int64(5)), Quotes: new(int64(3)), Bookmarks: new(int64(2)), Quote: true,
		},
		{
			ID: "5", Author: "AcmeTea", Time: time.Date(2021, 1, 2, 3, 4, 5, 0, time.UTC), Kind: content.Video, Text: "Older shape", Language: content.UnknownLanguage,
			Likes: new(int64(7)), Comments: new(int64(5)), Shares: new(int64(6)), Quotes: new(int64(4)), Reply: true,
		},
	}
	for i := range want {
		want[i].Platform, want[i].Account = content.Twitter, "acmetea"
	}
	if diff := cmp.Diff(want, s.Posts); diff != "" {
		t.Errorf("posts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int]string{3: "another author's post: @north", 5: "placeholder without a tweet", 6: "not a tweet: user", 7: "not a tweet"}, dropped(s)); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&content.Profile{
		Platform: content.Twitter, Username: "AcmeTea", Name: "Acme Tea", Bio: "Kettles", Website: "https://acme.example", Followers: new(int64(10)), Following: new(int64(2)),
		Posts: new(int64(300)), Verified: new(true), Created: time.Date(2009, 6, 2, 20, 12, 29, 0, time.UTC),
	}, s.Profile); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	if s.Order != content.MostLiked {
		t.Errorf("order of four tweets = %s: %s", s.Order, s.OrderReason)
	}
}

const facebookScrape = `{"profileInfo":{"title":"Acme Tea","intro":"Kettles","pageUrl":"https://www.facebook.com/acme.tea","categories":["Page","Food and drink"],"followers":108,"website":"acme.example","creation_date":"December 15, 2008"},
 "posts":[
  {"postId":"10","pageName":"Acme Tea","facebookUrl":"https://www.facebook.com/AcmeTea/","url":"https://www.facebook.com/Acme/videos/1/","time":"2023-03-17T16:29:21.000Z","timestamp":1679070561,
   "text":"La tetera nueva silba #TéDeVerdad","likes":0,"comments":849,"shares":1869,"isVideo":true,"viewsCount":4261952,"topReactionsCount":3},
  {"postId":"11","pageName":"Acme Tea","facebookUrl":"https://www.facebook.com/acme.tea/","url":"https://www.facebook.com/Acme/videos/2/","timestamp":1679070500,"text":"","likes":0,"comments":2,"shares":0,"isVideo":true,"viewsCount":12},
  {"postId":"12","user":{"name":"Acme Tea"},"inputUrl":"https://www.facebook.com/acme.tea/","url":"https://www.facebook.com/photo/?fbid=1","timestamp":1679070400,"text":"Mug","likes":0,"comments":900,"shares":0},
  {"postId":"13","facebookUrl":"https://www.facebook.com/other/","text":"x"},
  {"postId":"14","facebookUrl":"https://www.facebook.com/acme.tea/","timestamp":1679070300,"text":"","link":"https://acme.example","sharedPost":{"text":"not ours","pageName":{"a":1}},"likes":1},
  {"url":"https://www.facebook.com/acme.tea/","error":"not_available","errorDescription":"x"}
 ],"metadata":{"username":"acme.tea","platform":"facebook","scrape_timestamp":"2025-08-01T09:10:04.504413","posts_count":6}}`

func TestFacebookPosts(t *testing.T) {
	s := posts(t, content.Facebook, "acme.tea", facebookScrape)
	want := []content.Post{
		{
			ID: "10", Author: "Acme Tea", URL: "https://www.facebook.com/Acme/videos/1/", Time: time.Date(2023, 3, 17, 16, 29, 21, 0, time.UTC), Kind: content.Video,
			Text: "La tetera nueva silba #TéDeVerdad", Hashtags: []string{"TéDeVerdad"}, Language: byTable(t, "es"), Comments: new(int64(849)), Shares: new(int64(1869)), Views: new(int64(4261952)),
		},
		{
			ID: "11", Author: "Acme Tea", URL: "https://www.facebook.com/Acme/videos/2/", Time: time.Unix(1679070500, 0).UTC(), Kind: content.Video, Language: content.NoWords,
			Likes: new(int64(0)), Comments: new(int64(2)), Shares: new(int64(0)), Views: new(int64(12)),
		},
		{
			ID: "12", Author: "Acme Tea", URL: "https://www.facebook.com/photo/?fbid=1", Time: time.Unix(1679070400, 0).UTC(), Kind: content.Photo, Text: "Mug", Language: content.UnknownLanguage,
			Likes: new(int64(0)), Comments: new(int64(900)), Shares: new(int64(0)),
		},
		{ID: "14", Time: time.Unix(1679070300, 0).UTC(), Kind: content.Link, Links: []string{"https://acme.example"}, Language: content.NoWords, Likes: new(int64(1)), Repost: true},
	}
	for i := range want {
		want[i].Platform, want[i].Account = content.Facebook, "acme.tea"
	}
	if diff := cmp.Diff(want, s.Posts); diff != "" {
		t.Errorf("posts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int]string{3: "another author's post: https://www.facebook.com/other/", 5: "error record: not_available"}, dropped(s)); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&content.Profile{
		Platform: content.Facebook, Username: "acme.tea", Name: "Acme Tea", Bio: "Kettles", URL: "https://www.facebook.com/acme.tea", Website: "acme.example",
		Category: "Food and drink", Followers: new(int64(108)), Created: time.Date(2008, 12, 15, 0, 0, 0, 0, time.UTC),
	}, s.Profile); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	if got := s.Scraped.Format(time.RFC3339); got != "2025-08-01T09:10:04Z" {
		t.Errorf("scraped %s", got)
	}
	wantReport := []string{
		"acme.tea: 4 posts of 6 records", "dropped: another author's post (1)", "dropped: error record (1)", "mended: likes of a video reported as 0 taken as unknown (1)",
	}
	if diff := cmp.Diff(wantReport, Report(s)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestZeroLikesOfAVideoAreBelievedOnlyWhereNobodyCame(t *testing.T) {
	for name, tt := range map[string]struct {
		likes, answers, views *int64
		want                  bool
	}{
		"nobody":       {new(int64(0)), nil, nil, false},
		"few":          {new(int64(0)), new(int64(9)), new(int64(999)), false},
		"answers":      {new(int64(0)), new(int64(10)), nil, true},
		"views":        {new(int64(0)), nil, new(int64(1000)), true},
		"one like":     {new(int64(1)), new(int64(500)), new(int64(50_000)), false},
		"unknown ones": {nil, new(int64(500)), nil, false},
	} {
		if got := lostLikes(content.Post{Likes: tt.likes, Comments: tt.answers, Views: tt.views}); got != tt.want {
			t.Errorf("%s: lostLikes = %v, want %v", name, got, tt.want)
		}
	}
}

func TestBadRawDataGivesAReason(t *testing.T) {
	for name, tt := range map[string]struct {
		platform content.Platform
		data     string
		want     error
		says     string
	}{
		"empty":               {content.Twitter, "", ErrBroken, "not JSON"},
		"cut off":             {content.Twitter, `[{"type":"tw`, ErrBroken, "not JSON"},
		"more after the end":  {content.Twitter, `[] []`, ErrBroken, "follows"},
		"deeply nested":       {content.Twitter, strings.Repeat("[", 50_000), ErrBroken, "not JSON"},
		"nested and closed":   {content.Facebook, `{"posts":` + strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000) + "}", ErrBroken, "not JSON"},
		"NULs":                {content.Facebook, "\x00\x00", ErrBroken, "not JSON"},
		"an object of tweets": {content.Twitter, `{}`, ErrBroken, "no list of tweets"},
		"posts no list":       {content.Facebook, `{"posts":{}}`, ErrBroken, "no Facebook page"},
		"tweets on Facebook":  {content.Facebook, twitterScrape, ErrBroken, "no Facebook page"},
		"tweets on Instagram": {content.Instagram, twitterScrape, ErrBroken, "no Instagram profile"},
		"another's profile":   {content.Instagram, `[{"username":"north","latestPosts":[]}]`, ErrBroken, "no Instagram profile of acme"},
		"profile on Twitter":  {content.Twitter, instagramScrape, ErrNoPosts, "not a tweet (1)"},
		"no tweets":           {content.Twitter, "[]", ErrNoPosts, "none of the records is a post of acme"},
		"no posts":            {content.Instagram, `[{"username":"acme","latestPosts":[]}]`, ErrNoPosts, "none of the records"},
		"only an error":       {content.Facebook, `{"profileInfo":{"error":"x"},"posts":[{"error":"x"}]}`, ErrNoPosts, "error record (1)"},
		"unknown platform":    {"linkedin", "[]", ErrBroken, "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Posts(tt.platform, "acme", []byte(tt.data), today())
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Posts = %v, want %v saying %q", err, tt.want, tt.says)
			}
			if len(s.Posts) > 0 {
				t.Errorf("there are %d posts", len(s.Posts))
			}
		})
	}
}

func TestOneHugeCaptionIsBounded(t *testing.T) {
	data := `[{"type":"tweet","id":"1","text":"` + strings.Repeat("tea ☕ #tea @acme https://t.co/x ", 300_000) + `"}]`
	s := posts(t, content.Twitter, "acme", data)
	if n := len(s.Posts[0].Text); n > 4*longest || len(s.Posts[0].Hashtags) != 1 || len(s.Posts[0].Links) != 1 {
		t.Errorf("a text of %d bytes, %d hashtags, %d links", n, len(s.Posts[0].Hashtags), len(s.Posts[0].Links))
	}
}

func store(t *testing.T, objects map[string]string) *bucket.Folder {
	t.Helper()
	b, err := bucket.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for key, data := range objects {
		if err := b.Put(t.Context(), key, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestACompetitorWithoutPostsKeepsItsPlace(t *testing.T) {
	b := store(t, map[string]string{"a": twitterScrape, "b": "[{", "c": "[]", "d": strings.ReplaceAll(twitterScrape, "cme", "CME")})
	a := content.Account{Platform: content.Twitter, Username: "acmetea"}
	got, err := Clean(t.Context(), b, a, Input{Username: "acmetea", Key: "a"}, []Input{
		{Username: "broken", Key: "b"}, {Username: "empty", Key: "c"}, {Username: "absent", Missing: "no raw file"}, {Username: "ACMETEA", Key: "d"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Main.Posts) != 4 || len(got.Competitors) != 4 || len(got.Competitors[3].Posts) != 4 {
		t.Fatalf("Clean = %d posts, %d competitors", len(got.Main.Posts), len(got.Competitors))
	}
	for i, want := range []string{"raw data cannot be read: it is not JSON", "none of the records is a post of empty", "no raw file", ""} {
		if c := got.Competitors[i]; !strings.HasPrefix(c.Missing, want) || (c.Missing == "") != (want == "") || c.Username == "" {
			t.Errorf("%s is missing because %q, want %q", c.Username, c.Missing, want)
		}
	}
}

func TestAnAccountWithoutPostsIsAnError(t *testing.T) {
	b := store(t, map[string]string{"b": "[{", "c": "[]"})
	a := content.Account{Platform: content.Twitter, Username: "acmetea"}
	for want, in := range map[error]Input{
		ErrBroken: {Username: "acmetea", Key: "b"}, ErrNoPosts: {Username: "acmetea", Key: "c"}, bucket.ErrNotFound: {Username: "acmetea", Key: "x"},
	} {
		if _, err := Clean(t.Context(), b, a, in, nil); !errors.Is(err, want) {
			t.Errorf("Clean = %v, want %v", err, want)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Clean(ctx, b, a, Input{Username: "acmetea", Key: "c"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Clean = %v, want context.Canceled", err)
	}
}

func FuzzPosts(f *testing.F) {
	for _, s := range []string{instagramScrape, twitterScrape, facebookScrape, "[]", "{}", `[{"text":"\ud800","id":1e99}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range content.Platforms() {
			s, err := Posts(p, "acmetea", data, today())
			if err != nil {
				if !errors.Is(err, ErrBroken) && !errors.Is(err, ErrNoPosts) || len(s.Posts) > 0 {
					t.Errorf("%s: %d posts, %v", p, len(s.Posts), err)
				}
				continue
			}
			checkSource(t, s)
		}
	})
}

// checkSource holds what every later stage relies on.
func checkSource(t *testing.T, s content.Source) {
	t.Helper()
	seen := map[string]bool{}
	for i, p := range s.Posts {
		if p.ID == "" || seen[p.ID] || p.Account != s.Username || p.Language == "" || p.Kind == "" {
			t.Errorf("post %d = %+v", i, p)
		}
		seen[p.ID] = true
		if i > 0 && p.Time.After(s.Posts[i-1].Time) {
			t.Errorf("post %d is newer than the one before it", i)
		}
		if p.Time.After(today().Add(soon)) || !p.Time.IsZero() && p.Time.Before(oldest()) {
			t.Errorf("post %d is of %v", i, p.Time)
		}
		checkCounts(t, p)
		if again, mended := tidy(p.Text); (len(mended) > 0 || again != p.Text) && !strings.Contains(p.Text, "&") {
			t.Errorf("post %d has the untidy text %q", i, p.Text)
		}
	}
	if s.Order == "" || s.OrderReason == "" || s.Missing != "" {
		t.Errorf("order %q because %q, missing %q", s.Order, s.OrderReason, s.Missing)
	}
}

func checkCounts(t *testing.T, p content.Post) {
	t.Helper()
	for _, n := range []*int64{p.Likes, p.Comments, p.Shares, p.Quotes, p.Bookmarks, p.Views} {
		if n != nil && *n < 0 {
			t.Errorf("post %s has a count of %d", p.ID, *n)
		}
	}
}

// TestTheSamplesHaveTheirShape reads real scrapes where they are at hand.
func TestTheSamplesHaveTheirShape(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "data", "raw")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("real sample scrapes are not on this machine: %v", err)
	}
	for key, want := range map[string]struct {
		posts, dropped, links int
		order                 content.Order
	}{
		"instagram/fentybeauty/fentybeauty":  {10, 2, 0, content.Recent},
		"instagram/fentybeauty/maccosmetics": {12, 0, 0, content.Recent},
		"twitter/elonmusk/elonmusk":          {98, 0, 36, content.MostLiked},
		"facebook/cocacola/cocacola":         {50, 0, 0, content.Recent},
	} {
		data, err := os.ReadFile(filepath.Join(root, key+".json"))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.Split(key, "/")
		s, err := Posts(content.Platform(name[0]), name[2], data, today())
		if err != nil {
			t.Fatal(err)
		}
		checkSource(t, s)
		links := 0
		for _, p := range s.Posts {
			if p.Kind == content.Link && p.Language == content.NoWords {
				links++
			}
		}
		if len(s.Posts) != want.posts || len(s.Dropped) != want.dropped || links != want.links || s.Order != want.order {
			t.Errorf("%s: %d posts, %d dropped, %d links, %s (%s)", key, len(s.Posts), len(s.Dropped), links, s.Order, s.OrderReason)
		}
	}
}
