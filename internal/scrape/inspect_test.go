package scrape

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stagewatch/stagewatch/internal/content"
)

const (
	goodInstagram = `[{"username":"Acme.Tea","private":false,"postsCount":2,"latestPosts":[{"id":"1","caption":"a"},{"id":"2","caption":"b"}]}]`
	goodTwitter   = `[{"type":"tweet","id":"1","text":"Kettle on","author":{"userName":"AcmeTea"}},{"type":"tweet","id":"2","text":"","author":{"userName":"other"}}]`
	oldTwitter    = `[{"id":"1","text":"Kettle on","user":{"username":"AcmeTea"},"likes":3}]`
	goodFacebook  = `{"profileInfo":{"pageName":"Acme Tea"},"posts":[{"postId":"1","text":"a","facebookUrl":"https://www.facebook.com/acme.tea/"},{"url":"x","error":"not_available"}],"metadata":{"username":"acme.tea","platform":"facebook","scrape_timestamp":"2025-08-01T09:10:04.504413"}}`
	placeholder   = `[{"profile_info":{"username":"unknown_user","recent_posts":[]},"note":"Placeholder due to save failure"}]`
)

func TestEachFaultOfRawDataIsItsOwn(t *testing.T) {
	const ig, tw, fb = content.Instagram, content.Twitter, content.Facebook
	for name, tt := range map[string]struct {
		platform content.Platform
		data     string
		want     error
		says     string
	}{
		"empty file":            {tw, "", ErrBroken, "raw file is empty"},
		"only blanks":           {tw, " \n", ErrBroken, "raw file is empty"},
		"cut off":               {tw, goodTwitter[:50], ErrBroken, "ends in the middle"},
		"not JSON":              {tw, "<html>", ErrBroken, "not valid JSON: line 1"},
		"NULs":                  {tw, "\x00\x00\x00", ErrBroken, "not valid JSON"},
		"nested without end":    {tw, strings.Repeat("[", 100000), ErrBroken, "not valid JSON"},
		"nested closed":         {tw, strings.Repeat("[", 100000) + strings.Repeat("]", 100000), ErrBroken, "not valid JSON"},
		"a number":              {tw, "5", ErrBroken, "no scrape of twitter"},
		"null":                  {fb, "null", ErrBroken, "no scrape of facebook"},
		"list of numbers":       {tw, "[1,2]", ErrEmpty, "holds no posts"},
		"strange objects":       {tw, `[{"a":1}]`, ErrBroken, "no scrape of twitter"},
		"posts no list":         {fb, `{"posts":5}`, ErrBroken, "no scrape of facebook"},
		"empty tweets":          {tw, "[]", ErrEmpty, "cannot say why"},
		"placeholder":           {tw, placeholder, ErrEmpty, "cannot say why"},
		"private":               {ig, `[{"username":"acmetea","private":true,"postsCount":9,"latestPosts":[]}]`, ErrPrivate, "account is private: make it public"},
		"no posts yet":          {ig, `[{"username":"acmetea","private":false,"postsCount":0,"latestPosts":[]}]`, ErrEmpty, "has no posts yet"},
		"posts not shown":       {ig, `[{"username":"acmetea","postsCount":9,"latestPosts":[]}]`, ErrEmpty, "none of the account's 9 posts"},
		"empty profiles":        {ig, "[]", ErrEmpty, "empty list"},
		"error profile":         {ig, `[{"url":"x","error":"not_found","errorDescription":"Post does\n not exist"}]`, ErrNotAvailable, "(not_found): instagram says: Post does not exist"},
		"error tweet":           {tw, `[{"error":"suspended"}]`, ErrNotAvailable, "no reason given"},
		"error page":            {fb, `{"profileInfo":{"url":"https://www.facebook.com/acmetea/","error":"not_available","errorDescription":"gone"},"posts":[{"url":"x","error":"not_available"}],"metadata":{"posts_count":1}}`, ErrNotAvailable, "facebook says: gone"},
		"page without posts":    {fb, `{"profileInfo":{"facebookUrl":"https://www.facebook.com/acmetea"},"posts":[]}`, ErrEmpty, "shows no posts"},
		"tweets for Instagram":  {ig, goodTwitter, ErrWrongPlatform, "holds data of twitter, not of instagram"},
		"page for Instagram":    {ig, goodFacebook, ErrWrongPlatform, "holds data of facebook"},
		"profile for X":         {tw, goodInstagram, ErrWrongPlatform, "holds data of instagram"},
		"profile for Facebook":  {fb, goodInstagram, ErrWrongPlatform, "holds data of instagram"},
		"LinkedIn for Facebook": {fb, `{"profileInfo":{"linkedinUrl":"x"},"posts":[]}`, ErrWrongPlatform, "linkedin"},
		"another's profile":     {ig, goodInstagram, ErrOtherAccount, "somebody else: Acme.Tea"},
		"another's tweets":      {tw, `[{"type":"tweet","text":"x","author":{"userName":"other"}}]`, ErrOtherAccount, "somebody else: other"},
		"another's page":        {fb, strings.ReplaceAll(goodFacebook, "acme.tea", "other"), ErrOtherAccount, "facebook.com/other"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(Request{tt.platform, "acmetea", "acmetea"}, []byte(tt.data))
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("inspect = %v, want %v saying %q", err, tt.want, tt.says)
			}
			if !AboutData(err) {
				t.Error("AboutData is false")
			}
			for _, other := range []error{ErrPrivate, ErrEmpty, ErrNotAvailable, ErrNoScrape, ErrWrongPlatform, ErrOtherAccount, ErrBroken} {
				if errors.Is(err, other) && !errors.Is(tt.want, other) {
					t.Errorf("%v is %v too", err, other)
				}
			}
		})
	}
}

func TestGoodRawDataIsRecognisedWhateverTheCase(t *testing.T) {
	for name, tt := range map[string]struct {
		platform content.Platform
		username string
		data     string
		records  int
		taken    string
	}{
		"Instagram":        {content.Instagram, "acme.tea", goodInstagram, 2, "0001-01-01T00:00:00Z"},
		"Instagram object": {content.Instagram, "acme.tea", goodInstagram[1 : len(goodInstagram)-1], 2, "0001-01-01T00:00:00Z"},
		"Twitter":          {content.Twitter, "ACMETEA", "\ufeff" + goodTwitter, 2, "0001-01-01T00:00:00Z"},
		"Twitter, older":   {content.Twitter, "acmetea", oldTwitter, 1, "0001-01-01T00:00:00Z"},
		"Facebook":         {content.Facebook, "AcmeTea", goodFacebook, 1, "2025-08-01T09:10:04Z"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := inspect(Request{tt.platform, tt.username, tt.username}, []byte(tt.data))
			if err != nil || got.records != tt.records || got.taken.Format("2006-01-02T15:04:05Z07:00") != tt.taken {
				t.Errorf("inspect = %+v, %v, want %d records of %s", got, err, tt.records, tt.taken)
			}
		})
	}
}

func FuzzInspect(f *testing.F) {
	for _, s := range []string{goodInstagram, goodTwitter, oldTwitter, goodFacebook, placeholder, "[]", "{}", `[{"error":5}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range content.Platforms() {
			found, err := inspect(Request{p, "acmetea", "acmetea"}, data)
			if err == nil && found.records == 0 {
				t.Errorf("%s: no record and no reason", p)
			}
			if err != nil && (!AboutData(err) || !utf8.ValidString(err.Error())) {
				t.Errorf("%s: %q is no sentence of this package", p, err)
			}
		}
	})
}

// TestTheSamplesAreToldApart reads real scrapes where they are at hand.
func TestTheSamplesAreToldApart(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "data", "raw")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("real sample scrapes are not on this machine: %v", err)
	}
	for key, want := range map[string]any{
		"instagram/fentybeauty/fentybeauty":         12,
		"instagram/fentybeauty/maccosmetics":        12,
		"twitter/elonmusk/elonmusk":                 98,
		"facebook/cocacola/cocacola":                50,
		"facebook/Appleas/Appleas":                  ErrNotAvailable,
		"instagram/private_account/private_account": ErrPrivate,
		"twitter/empty_account/empty_account":       ErrEmpty,
	} {
		data, err := os.ReadFile(filepath.Join(root, key+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(data) {
			t.Fatalf("%s is not JSON", key)
		}
		p := strings.Split(key, "/")
		got, err := inspect(Request{content.Platform(p[0]), p[1], p[2]}, data)
		if kind, isErr := want.(error); isErr && !errors.Is(err, kind) || !isErr && (err != nil || fmt.Sprint(got.records) != fmt.Sprint(want)) {
			t.Errorf("%s: %d records, %v, want %v", key, got.records, err, want)
		}
	}
}
