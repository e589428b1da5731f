package account

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/content"
)

func TestParseReadsEverySpelling(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		want content.Account
	}{
		"all": {
			`{"username":"other","platform":"twitter","accountType":"Branding","postingStyle":" dry wit ","competitors":["north","South"],"timezone":"Europe/Berlin","status":"processed","skip_scraping":true}`,
			content.Account{Type: content.Branding, TypeGiven: true, Style: "dry wit", Competitors: []string{"north", "South"}, Timezone: "Europe/Berlin"},
		},
		"aliases": {
			`{"account_type":"creator","posting_style":"gbff","secondary_usernames":"north, @South,,North"}`,
			content.Account{Type: content.NonBranding, TypeGiven: true, Style: "gbff", Competitors: []string{"north", "South"}},
		},
		"objects":         {`{"competitors":[{"username":"north"},"east",{"username":"EAST"}]}`, content.Account{Type: content.NonBranding, Competitors: []string{"north", "east"}}},
		"itself":          {`{"competitors":["Acme_Tea","@acme_tea"]}`, content.Account{Type: content.NonBranding}},
		"null and blanks": {`{"accountType":null,"account_type":"branding","competitors":null,"postingStyle":null}`, content.Account{Type: content.Branding, TypeGiven: true}},
		"unknown type":    {`{"accountType":"influencer"}`, content.Account{Type: content.NonBranding}},
		"empty object":    {"\ufeff {}\n", content.Account{Type: content.NonBranding}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.want.Platform, tt.want.Username = content.Twitter, "acme_tea"
			got, err := Parse(content.Twitter, "acme_tea", []byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseTakesTheUsernameOfTheFileWhenThePathHasNone(t *testing.T) {
	a, err := Parse(content.Instagram, "", []byte(`{"username":" Acme.Tea "}`))
	if err != nil || a.Username != "acme.tea" {
		t.Errorf("Parse = %q, %v", a.Username, err)
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"list":                 {`[1]`, "must be an object, {…}, but is a list"},
		"text":                 {`"x"`, "but is text"},
		"null":                 {`null`, "but is null"},
		"not JSON":             {"{\n  \"a\": oops}", "line 2, column 8"},
		"style a number":       {`{"postingStyle":5}`, "postingStyle must be text, but is a number"},
		"type an object":       {`{"account_type":{}}`, "account_type must be text, but is an object"},
		"competitors a number": {`{"competitors":5}`, "competitors must be a list of usernames, but is a number"},
		"competitor a number":  {`{"competitors":["a",5]}`, "entry 2 must be a username, but is a number"},
		"competitor a path":    {`{"competitors":["../../x"]}`, `competitor: username "../../x"`},
		"timezone":             {`{"timezone":"Mars/Base"}`, `timezone "Mars/Base" is not known`},
		"local timezone":       {`{"timezone":"Local"}`, "is not known"},
		"deep":                 {`{"a":` + strings.Repeat("[", 20000), "not valid JSON"},
		"long":                 {`{"a":"` + strings.Repeat("x", maxInfo) + `"}`, "bytes"},
		"more after the end":   {`{} {}`, "not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(content.Twitter, "acme_tea", []byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, ErrHalfWritten) {
				t.Errorf("Parse = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestEveryBeginningOfAFileIsHalfWritten(t *testing.T) {
	whole := `{"accountType": "branding", "competitors": ["north", "süd"], "n": -1.5e3, "t": true}`
	for i := range len(whole) {
		if _, err := Parse(content.Twitter, "acme_tea", []byte(whole[:i])); !errors.Is(err, ErrHalfWritten) {
			t.Errorf("Parse(%q) = %v, want ErrHalfWritten", whole[:i], err)
		}
	}
}

func TestAUsernameThatCannotBeIsRefusedWithItsReason(t *testing.T) {
	for name, tt := range map[string]struct {
		platform content.Platform
		in, want string
	}{
		"empty":             {content.Twitter, "", "it is empty"},
		"blanks":            {content.Instagram, "  ", "it is empty"},
		"up":                {content.Twitter, "../etc", "only letters"},
		"up, facebook":      {content.Facebook, "../etc", "slash"},
		"slash":             {content.Twitter, "a/b", "slash"},
		"backslash":         {content.Twitter, `a\b`, "slash"},
		"NUL":               {content.Twitter, "a\x00b", "NUL"},
		"newline":           {content.Facebook, "a\nb", "control"},
		"blank":             {content.Facebook, "a b", "blank"},
		"trailing blank":    {content.Twitter, "a ", "begins or ends with a blank"},
		"at":                {content.Twitter, "@a", "without the @"},
		"emoji":             {content.Instagram, "tea🍵", "only letters"},
		"cyrillic":          {content.Twitter, "аcme", "only letters"},
		"leading dot":       {content.Instagram, ".acme", "begins or ends with a dot"},
		"trailing dot":      {content.Facebook, "acme.", "begins or ends with a dot"},
		"two dots":          {content.Instagram, "ac..me", "two dots"},
		"only dots":         {content.Facebook, "..", "dot"},
		"dot on X":          {content.Twitter, "ac.me", "only letters"},
		"300":               {content.Facebook, strings.Repeat("a", 300), "300 characters"},
		"31 on Instagram":   {content.Instagram, strings.Repeat("a", 31), "31 characters"},
		"not UTF-8":         {content.Facebook, "a\xff", "UTF-8"},
		"unknown platform":  {"linkedin", "acme", `platform "linkedin" is not known`},
		"platform in caps":  {"Twitter", "acme", "is not known"},
		"right-to-left":     {content.Twitter, "acme\u202e", "only letters"},
		"fullwidth letters": {content.Instagram, "ａｃｍｅ", "only letters"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := CheckUsername(tt.platform, tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 300 {
				t.Errorf("CheckUsername(%s, %q) = %v, want %q", tt.platform, tt.in, err, tt.want)
			}
		})
	}
}

func TestALegalUsernameIsNeverRewritten(t *testing.T) {
	for _, tt := range []struct {
		platform content.Platform
		in, want string
	}{
		{content.Twitter, "AcmeTea_1", "AcmeTea_1"},
		{content.Twitter, "_", "_"},
		{content.Twitter, "test", "test"},
		{content.Twitter, "12345", "12345"},
		{content.Facebook, "Acme.Tea", "Acme.Tea"},
		{content.Facebook, "Acme-Tea-100064277875532", "Acme-Tea-100064277875532"},
		{content.Instagram, " Acme.Tea_ ", "acme.tea_"},
		{content.Instagram, "new_balance", "new_balance"},
	} {
		if got, err := CheckUsername(tt.platform, tt.in); err != nil || got != tt.want {
			t.Errorf("CheckUsername(%s, %q) = %q, %v, want %q", tt.platform, tt.in, got, err, tt.want)
		}
	}
}

func TestParseNameWantsPlatformAndUsername(t *testing.T) {
	if p, u, err := ParseName("twitter/AcmeTea"); err != nil || p != content.Twitter || u != "AcmeTea" {
		t.Errorf("ParseName = %q, %q, %v", p, u, err)
	}
	for _, in := range []string{"", "acme", "twitter/", "/acme", "twitter/a/b", "x/acme"} {
		if _, _, err := ParseName(in); err == nil {
			t.Errorf("ParseName(%q) passed", in)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{}`, `{"competitors":"a,b"}`, `{"competitors":[{"username":"a"}],"timezone":"UTC"}`, `{"accountType":1}`, `{"username":"../x"}`, "\xff"} {
		f.Add("facebook", "", []byte(s))
		f.Add("instagram", "acme", []byte(s))
	}
	f.Fuzz(func(t *testing.T, platform, username string, data []byte) {
		a, err := Parse(content.Platform(platform), username, data)
		if err != nil {
			if !utf8.ValidString(err.Error()) && utf8.Valid(data) {
				t.Errorf("the reason is not text: %q", err)
			}
			return
		}
		for _, name := range append([]string{a.Username}, a.Competitors...) {
			if checked, err := CheckUsername(a.Platform, name); err != nil || checked != name {
				t.Errorf("Parse let %q through: %v", name, err)
			}
			if strings.ContainsAny(name, "/\\\x00") || strings.Contains(name, "..") {
				t.Errorf("%q is no safe path segment", name)
			}
		}
	})
}
