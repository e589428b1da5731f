package pattern

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func set(t testing.TB, rules ...Rule) *Set {
	t.Helper()
	s, err := New(rules)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestExpressionsFindWhatALineSays(t *testing.T) {
	scraping := Rule{Match: `[Ss]craping (?P<account>\S+) on (?<platform>\w+): (?P<message>.*)`, Event: Started, Stage: "1"}
	tests := map[string]struct {
		rules []Rule
		line  string
		want  Event
	}{
		"groups": {
			[]Rule{scraping},
			"12:00 INFO Scraping elonmusk on twitter:  from page 3 ",
			Event{What: Started, Stage: 1, Account: "elonmusk", Platform: "twitter", Message: "from page 3"},
		},
		"everything": {
			[]Rule{{Match: `(?P<definition>\w+) (?P<run>\w+) (?P<stage>\w+) (?P<done>\d+)/(?P<total>\d+)`, Event: Progressed}},
			"Render r1 fetch 3/9",
			Event{What: Progressed, Definition: "Render", Run: "r1", Key: "fetch", Done: 3, Total: 9},
		},
		"fixed values": {
			[]Rule{{Match: `(?P<done>\d+)%`, Event: Progressed, Stage: "draw", Definition: "Render", Platform: "web", Total: 100}},
			" 40%|████",
			Event{What: Progressed, Key: "draw", Definition: "Render", Platform: "web", Done: 40, Total: 100},
		},
		"the first that fits": {
			[]Rule{{Match: "nothing", Event: Failed, Stage: "1"}, {Match: "done", Event: Completed, Stage: "2"}, {Match: "d", Event: Completed, Stage: "3"}},
			"done",
			Event{What: Completed, Stage: 2},
		},
		"a group that takes no part": {
			[]Rule{{Match: `failed(?: for (?P<account>\w+))?`, Event: Failed, Stage: "2"}},
			"failed",
			Event{What: Failed, Stage: 2},
		},
		"negative number": {
			[]Rule{{Match: `stage (?P<stage>-?\d+)`, Event: Started}},
			"stage -3",
			Event{What: Started, Stage: -3},
		},
		"invalid UTF-8": {
			[]Rule{{Match: `at (?P<message>.*)`, Event: Started, Stage: "1"}},
			"at a\xffb",
			Event{What: Started, Stage: 1, Message: "a\uFFFDb"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok, err := set(t, test.rules...).Match([]byte(test.line))
			if !ok || err != nil {
				t.Fatalf("Match(%q) = %v, %v", test.line, ok, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Match(%q) (-want +got):\n%s", test.line, diff)
			}
		})
	}
}

func TestLinesThatSayNothing(t *testing.T) {
	s := set(t,
		Rule{Match: `level (?P<stage>\S*)`, Event: Started},
		Rule{Match: `parts (?P<done>\S+) of (?P<total>\S+)`, Event: Progressed, Stage: "1"},
		Rule{Builtin: StageLines}, Rule{Builtin: StageMarks})
	for _, line := range []string{
		"", "scraping", "level ", "level 99999999999999999999", "parts many of 3", "parts 1 of -3", "parts 99999999999999999999 of 1",
		"email@stage start 3", "@stages start 3", `{"msg":"@stage start 3"}`, "⚙️  Stage x - A: b", "@stage", "\xff\xfe",
	} {
		if got, ok, err := s.Match([]byte(line)); ok || err != nil {
			t.Errorf("Match(%q) = %+v, %v, %v; want nothing", line, got, ok, err)
		}
	}
}

func TestWrongRulesAreRefused(t *testing.T) {
	tests := map[string]struct {
		rule  Rule
		field string
		want  string
	}{
		"unknown builtin":     {Rule{Builtin: "marks"}, "", "there are stage-marks and stage-lines"},
		"no expression":       {Rule{Event: Started, Stage: "1"}, "match", "match is missing"},
		"no event":            {Rule{Match: "a", Stage: "1"}, "event", `event is ""`},
		"wrong event":         {Rule{Match: "a", Event: "lost", Stage: "1"}, "event", `event is "lost": it is started, progressed, completed or failed`},
		"no regexp":           {Rule{Match: "a(b", Event: Started, Stage: "1"}, "match", `missing closing ): "a(b"`},
		"not of RE2":          {Rule{Match: `(a)\1`, Event: Started, Stage: "1"}, "match", "invalid escape sequence"},
		"unknown group":       {Rule{Match: "(?P<acount>a)", Event: Started, Stage: "1"}, "match", `group "acount" is not known: there are account,`},
		"group twice":         {Rule{Match: "(?P<run>a)(?P<run>b)", Event: Started, Stage: "1"}, "match", `group "run" is there twice`},
		"no stage":            {Rule{Match: "a", Event: Started}, "", "no stage"},
		"stage twice":         {Rule{Match: "(?P<stage>a)", Event: Started, Stage: "1"}, "", "stage is given and is a group of match too"},
		"progress of nothing": {Rule{Match: "a", Event: Progressed, Stage: "1"}, "", "progressed without done"},
		"done without need":   {Rule{Match: "(?P<done>a)", Event: Completed, Stage: "1"}, "", "done and total are for event: progressed"},
		"total negative":      {Rule{Match: "(?P<done>a)", Event: Progressed, Stage: "1", Total: -1}, "total", "total is -1"},
		"too long":            {Rule{Match: strings.Repeat("a", 5000), Event: Started, Stage: "1"}, "match", "match has 5000 bytes: give at most 4096"},
		"too large":           {Rule{Match: "a{400}b{400}c{400}", Event: Started, Stage: "1"}, "match", "match is too large"},
		"far too large":       {Rule{Match: "((a{1000}){1000}){1000}", Event: Started, Stage: "1"}, "match", "invalid repeat count"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New([]Rule{{Builtin: StageMarks}, test.rule})
			var wrong *RuleError
			if !errors.As(err, &wrong) || wrong.Index != 1 || wrong.Field != test.field || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New = %v (%+v), want %q about field %q of rule 1", err, wrong, test.want, test.field)
			}
		})
	}
	if _, err := New(make([]Rule, MaxRules+1)); err == nil {
		t.Error("too many rules were taken")
	}
	if s, err := New(nil); s != nil || err != nil {
		t.Errorf("New(nil) = %v, %v; want none", s, err)
	}
}

func TestLiteralStandsInEveryMatch(t *testing.T) {
	tests := map[string]string{
		`abc`:                "abc",
		`a.*scraping (\w+)`:  "scraping ",
		`(?P<stage>xy){2,3}`: "xy",
		`(ab)+c`:             "ab",
		`(?i)abc`:            "",
		`abc|abd`:            "ab",
		`a?b*`:               "",
		`(abc)?`:             "",
		`a` + "\uFFFD":       "",
		`\bStage \d+: (.*)$`: "Stage ",
	}
	for source, want := range tests {
		e, _, err := Rule{Match: source, Event: Started, Stage: "1"}.compile()
		if strings.Contains(source, "(?P<stage>") {
			e, _, err = Rule{Match: source, Event: Started}.compile()
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := string(e.needs); got != want {
			t.Errorf("literal of %q is %q, want %q", source, got, want)
		}
	}
}

// What the original prints, and Stagewatch's reporter.
func TestStageLines(t *testing.T) {
	tests := map[string]Event{
		"[INFO] ⚙️  Stage 3 - Vector Database for elonmusk: Indexing 50 posts": {
			What: Started, Stage: 3, Account: "elonmusk", Message: "Indexing 50 posts",
		},
		"⚙️  Stage 0 - Initialization: Direct processing mode for twitter account: elonmusk": {
			What: Started, Message: "Direct processing mode for twitter account: elonmusk",
		},
		"[INFO] ✅ Stage 3 Complete - Vector Database for elonmusk - Indexed 50 posts - all of them": {
			What: Completed, Stage: 3, Account: "elonmusk", Message: "Indexed 50 posts - all of them",
		},
		"✅ Stage 0 Complete - Initialization - Wait cycle completed - checking for new accounts": {
			What: Completed, Message: "Wait cycle completed - checking for new accounts",
		},
		"[ERROR] ❌ Stage 1 Failed - Data Scraping for bad.user_name - Error: Failed to scrape profile": {
			What: Failed, Stage: 1, Account: "bad.user_name", Message: "Failed to scrape profile",
		},
		"[INFO] ⚙️  Images · Stage 1 - Drawing for a: 3 cards": {
			What: Started, Stage: 1, Definition: "Images", Account: "a", Message: "3 cards",
		},
	}
	s := set(t, Rule{Builtin: StageLines})
	for line, want := range tests {
		got, ok, err := s.Match([]byte(line))
		if diff := cmp.Diff(want, got); diff != "" || !ok || err != nil {
			t.Errorf("Match(%q) = %v, %v (-want +got):\n%s", line, ok, err, diff)
		}
	}
}

// Expressions that other engines never end with take time in proportion to the line.
func TestNoExpressionIsWithoutEnd(t *testing.T) {
	s := set(t, Rule{Match: `(?i)(x+x+)+y|(a|a)*b|` + strings.Repeat("x?", 30) + strings.Repeat("x", 30) + "$", Event: Started, Stage: "1"})
	line := []byte(strings.Repeat("x", maxLine-1) + "z")
	began := time.Now()
	if _, ok, err := s.Match(line); ok || err != nil {
		t.Fatalf("Match = %v, %v", ok, err)
	}
	took := time.Since(began)
	t.Logf("a line of 16 KiB took %v", took)
	if took > 20*time.Second {
		t.Errorf("a line of 16 KiB took %v", took)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("@stage start 3 for=elonmusk on=twitter: message", `(?P<stage>\d+) (?P<message>.*)`)
	f.Add(`@stage progress "a b" 3/9 run="x\"y"`, `(?i)x`)
	f.Add("⚙️  Stage 3 - Vector Database for elonmusk: Indexing", `(a|b)*`)
	f.Fuzz(func(t *testing.T, line, source string) {
		rules := []Rule{{Builtin: StageMarks}, {Builtin: StageLines}}
		for _, r := range []Rule{{Match: source, Event: Started}, {Match: source, Event: Started, Stage: "1"}, {Match: source, Event: Progressed, Stage: "1"}} {
			if _, err := New([]Rule{r}); err == nil {
				rules = append(rules, r)
			}
		}
		for i := range rules {
			s := set(t, rules[i])
			e, ok, err := s.Match([]byte(line))
			if (ok || err != nil) && !s.mayMatch([]byte(line)) {
				t.Errorf("%q is passed over and matches %+v", line, rules[i])
			}
			if !ok && e != (Event{}) {
				t.Errorf("%q gives %+v and is none", line, e)
			}
			if ok && (e.What == "" || e.Done < 0 || e.Total < 0) {
				t.Errorf("%q gives %+v", line, e)
			}
			for _, text := range []string{e.Key, e.Definition, e.Run, e.Platform, e.Account, e.Message} {
				if !utf8.ValidString(text) {
					t.Errorf("%q gives invalid text %q", line, text)
				}
			}
		}
	})
}
