package pattern

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStageMarks(t *testing.T) {
	tests := map[string]Event{
		"@stage start 3": {What: Started, Stage: 3},
		"@stage start 3 for=elonmusk on=twitter: Indexing 50 posts": {
			What: Started, Stage: 3, Account: "elonmusk", Platform: "twitter", Message: "Indexing 50 posts",
		},
		"@stage complete 3: all: done ":          {What: Completed, Stage: 3, Message: "all: done"},
		"@stage complete 3 : a":                  {What: Completed, Stage: 3, Message: "a"},
		"@stage complete 3:":                     {What: Completed, Stage: 3},
		"@stage failed 3 for=a : @stage start 4": {What: Failed, Stage: 3, Account: "a", Message: "@stage start 4"},
		"@stage failed fetch for=a: b=c":         {What: Failed, Key: "fetch", Account: "a", Message: "b=c"},
		"@stage progress 3 12/50 for=a":          {What: Progressed, Stage: 3, Done: 12, Total: 50, Account: "a"},
		"@stage progress 3 12: on it":            {What: Progressed, Stage: 3, Done: 12, Message: "on it"},
		"@stage\tstart\t3\tfor=a":                {What: Started, Stage: 3, Account: "a"},
		"@stage start -1 run=2026:11:23":         {What: Started, Stage: -1, Run: "2026:11:23"},
		`@stage start "my stage" for="some \"body\"" definition="A b:": x`: {
			What: Started, Key: "my stage", Account: `some "body"`, Definition: "A b:", Message: "x",
		},
		`@stage start 1 for="a\\b\tc\n"`: {What: Started, Stage: 1, Account: "a\\b\tc\n"},
		`@stage start 1 for=`:            {What: Started, Stage: 1},
		`@stage start 1 for="":`:         {What: Started, Stage: 1},
		`@stage start "for=x" for=a`:     {What: Started, Key: "for=x", Account: "a"},
		"@stage start a=b":               {What: Started, Key: "a=b"},
		"@stage start 1: ":               {What: Started, Stage: 1},

		"2026-11-23 21:14:05,332 INFO pipeline: @stage start 3 for=a: b": {What: Started, Stage: 3, Account: "a", Message: "b"},
		"INFO:root:@stage start 3":                                       {What: Started, Stage: 3},
		"[INFO]@stage start 3":                                           {What: Started, Stage: 3},
		"me@stage start 1 then @stage start 3":                           {What: Started, Stage: 3},
		"@stage start 3 for=Ünïcødé: \u202e":                             {What: Started, Stage: 3, Account: "Ünïcødé", Message: "\u202e"},
		"@stage start 3: \xff":                                           {What: Started, Stage: 3, Message: "\uFFFD"},
		"@stage start 3: " + strings.Repeat("long ", 1000) + "end":       {What: Started, Stage: 3, Message: strings.Repeat("long ", 1000) + "end"},
	}
	s := set(t, Rule{Builtin: StageMarks})
	for line, want := range tests {
		got, ok, err := s.Match([]byte(line))
		if diff := cmp.Diff(want, got); diff != "" || !ok || err != nil {
			t.Errorf("Match(%q) = %v, %v (-want +got):\n%s", line, ok, err, diff)
		}
	}
}

func TestWrongMarksSayWhy(t *testing.T) {
	tests := map[string]string{
		"@stage ":                           "the word is start, progress, complete or failed",
		"@stage for details":                `@stage "for": the word is`,
		"@stage begin 3":                    `@stage "begin": the word is`,
		"@stage start":                      "@stage start: no stage",
		"@stage start: 3":                   "@stage start: no stage",
		"@stage start 99999999999999999999": "no stage",
		"@stage progress 3":                 "is not how much is done",
		"@stage progress 3 for=a":           `"for=a" is not how much is done`,
		"@stage progress 3 -1":              "is not how much is done",
		"@stage progress 3 1/x":             "is not how much is done",
		"@stage start 3 scraping":           `"scraping" is no field`,
		"@stage start 3 user=a":             `"user=a" is no field`,
		"@stage start 3 for=a for=b: twice": "for= is there twice",
		"@stage start for=x":                "@stage start: no stage: give its number or key before for=",
		"@stage progress on=x 3":            "@stage progress: no stage: give its number or key before on=",
		`@stage start 3 for="a`:             "a quote is not closed",
		`@stage start 3 for="a\`:            "only",
		`@stage start 3 for="a\x"`:          `only \" \\ \n and \t are understood`,
		`@stage start 3 for="a"b`:           `"b" follows a quote`,
		"@stage " + strings.Repeat("ä", 99): "…",
	}
	s := set(t, Rule{Builtin: StageMarks})
	for line, want := range tests {
		got, ok, err := s.Match([]byte(line))
		if ok || err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("Match(%q) = %+v, %v, %v; want an error with %q", line, got, ok, err, want)
		}
	}
}
