package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/pattern"
)

func TestSettingsAreReadOverTheDefaults(t *testing.T) {
	home := t.TempDir()
	text := `
# a comment
report:
  status_every: 2s
modules:
  content:
    command: [python3, main.py, --watch]
    env: {KEY: value}
  images:
    address: 127.0.0.1:9000
storage:
  raw: /srv/raw
`
	if err := os.WriteFile(filepath.Join(home, File), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(home)
	if err != nil {
		t.Fatal(err)
	}
	if c.Report.StatusEvery != 2*time.Second || c.Report.CheckInterval != time.Second {
		t.Errorf("report = %+v", c.Report)
	}
	if len(c.Modules.Content.Command) != 3 || c.Modules.Content.Env["KEY"] != "value" || c.Modules.Images.Address != "127.0.0.1:9000" {
		t.Errorf("modules = %+v", c.Modules)
	}
	if c.Raw() != "/srv/raw" || c.Results() != filepath.Join(home, "tasks") {
		t.Errorf("raw %q, results %q", c.Raw(), c.Results())
	}
}

func TestDefinitionsAndPatternsAreRead(t *testing.T) {
	const text = `
definitions:
- name: Render
  stages:
  - {key: fetch, name: Fetch, expected: 40s, weight: 2}
  - {number: 5, name: Draw, stall_after: 10m, parts: 10, optional: true, instant: true, description: all of it}
journal: {durability: power, keep_days: 7, keep_mib: 0}
modules:
  images:
    command: [./render]
    patterns:
    - stage-marks
    - {match: 'frame (?P<done>\d+)', event: progressed, stage: 5, definition: Render, total: 10}
    - {match: fetching, event: started, stage: fetch, definition: Render}
`
	c, err := parse(t.TempDir(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	five := 5
	wantDefinitions := []Definition{{Name: "Render", Stages: []Stage{
		{Key: "fetch", Name: "Fetch", Expected: 40 * time.Second, Weight: 2},
		{Number: &five, Name: "Draw", StallAfter: 10 * time.Minute, Parts: 10, Optional: true, Instant: true, Description: "all of it"},
	}}}
	if diff := cmp.Diff(wantDefinitions, c.Definitions); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
	wantPatterns := []pattern.Rule{
		{Builtin: "stage-marks"},
		{Match: `frame (?P<done>\d+)`, Event: "progressed", Stage: "5", Definition: "Render", Total: 10},
		{Match: "fetching", Event: "started", Stage: "fetch", Definition: "Render"},
	}
	if diff := cmp.Diff(wantPatterns, c.Modules.Images.Patterns); diff != "" {
		t.Errorf("patterns (-want +got):\n%s", diff)
	}
	if j := c.Journal; j.Durability != "power" || j.KeepFor() != 7*24*time.Hour || j.KeepBytes() != 0 {
		t.Errorf("journal = %+v", j)
	}
}

func TestSecretsAreReadFromEnvironmentModulesAndFiles(t *testing.T) {
	home := t.TempDir()
	t.Setenv("TOKEN_OF_TEST", "s3cret-env")
	t.Setenv("SHORT_OF_TEST", "abc")
	if err := os.WriteFile(filepath.Join(home, "key"), []byte("s3cret-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Default(home)
	c.Modules.Images.Env = map[string]string{"TOKEN_OF_TEST": "s3cret-module"}
	c.Secrets = []string{"TOKEN_OF_TEST", "SHORT_OF_TEST", "NOWHERE_SET", "file:key"}
	values, notes, err := c.SecretValues()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"s3cret-env", "s3cret-module", "s3cret-file"}, values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	wantNotes := []string{
		"secret 2 in miner.yaml, SHORT_OF_TEST, has a value of fewer than 4 bytes: it is not masked",
		"secret 3 in miner.yaml, NOWHERE_SET, is not set: nothing is masked for it",
	}
	if diff := cmp.Diff(wantNotes, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	for _, missing := range []string{"file:none", "file:" + home} {
		c.Secrets = []string{missing}
		if _, _, err := c.SecretValues(); err == nil || !strings.HasPrefix(err.Error(), "secret 1, "+missing+": ") {
			t.Errorf("SecretValues with %s = %v, want an error that names the entry", missing, err)
		}
	}
}

func TestSecretFileThatIsMissingIsToldWithItsPlace(t *testing.T) {
	c, err := parse(t.TempDir(), []byte("secrets:\n- TOKEN_OF_TEST\n- file:none\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.SecretValues(); err == nil || !strings.HasPrefix(err.Error(), "line 3, column 3: secret 2, file:none: ") {
		t.Errorf("SecretValues = %v", err)
	}
}

func TestNoFileIsTheDefault(t *testing.T) {
	home := t.TempDir()
	c, err := Load(home)
	if err != nil || c.Watch.Wait != 300*time.Second || c.Archive() != "" {
		t.Errorf("Load = %+v, %v", c, err)
	}
	if err := os.WriteFile(filepath.Join(home, File), []byte("# nothing set\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(home); err != nil {
		t.Errorf("a file of comments: %v", err)
	}
}

func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"unknown key":     {"report:\n  status_evry: 2s\n", `line 2, column 3: unknown key "status_evry": did you mean "status_every"?`},
		"nothing near":    {"frobnicate: 1\n", `line 1, column 1: unknown key "frobnicate"`},
		"wrong type":      {"report:\n  status_every: [1]\n", `line 2, column 17: report.status_every is a list: give a time like 40s`},
		"not yaml":        {"report: {\n", "line"},
		"negative":        {"watch: {wait: -1s}\n", "watch.wait is -1s"},
		"format":          {"report: {format: xml}\n", "plain, time or json"},
		"public address":  {"modules: {images: {address: '0.0.0.0:8090'}}\n", "loopback"},
		"backoff reverse": {"restart: {backoff: 2m}\n", "backoff_max"},
		"durability":      {"journal:\n  durability: none\n", `line 2, column 15: journal.durability is "none": it is process or power`},
		"days":            {"journal: {keep_days: -1}\n", "line 1, column 22: journal.keep_days is -1"},
		"sizes":           {"journal: {keep_mib: 99999999999}\n", "journal.keep_mib is 99999999999"},
		"two places": {
			"report:\n  format: xml\nrestart:\n  deaths: 0\n",
			"line 2, column 11: report.format is \"xml\": it is plain, time or json\nline 4, column 11: restart.deaths is 0",
		},

		"definition key":      {"definitions:\n- nam: A\n", `line 2, column 3: unknown key "nam": did you mean "name"?`},
		"definition no name":  {"definitions:\n- stages: [{name: A}]\n", "line 2, column 3: definition 1 has no name"},
		"definition no stage": {"definitions:\n- name: A\n", `line 2, column 3: definition "A" has no stages`},
		"definition twice":    {"definitions:\n- {name: A, stages: [{name: a}]}\n- {name: A, stages: [{name: a}]}\n", `line 3, column 10: definition "A" is there twice`},
		"definition built in": {"definitions: [{name: Content, stages: [{name: a}]}]\n", `definition "Content" is built in`},
		"stage no name":       {"definitions:\n- name: A\n  stages:\n  - key: a\n", `line 4, column 5: definition "A", stage 1: it has no name`},
		"stage order": {
			"definitions:\n- name: A\n  stages:\n  - {name: a, number: 5}\n  - {name: b, number: 5}\n",
			`line 5, column 23: definition "A", stage 5: it comes after stage 5`,
		},
		"stage key twice":  {"definitions: [{name: A, stages: [{name: a, key: k}, {name: b, key: k}]}]\n", `stage 2: key "k" is there twice`},
		"stage key number": {"definitions: [{name: A, stages: [{name: a, key: '3'}]}]\n", `key "3" is a number`},
		"stage time":       {"definitions: [{name: A, stages: [{name: a, expected: -3s}]}]\n", "expected is -3s: give a time like 40s"},
		"stage silence":    {"definitions: [{name: A, stages: [{name: a, stall_after: -3s}]}]\n", "stall_after is -3s"},
		"stage weight":     {"definitions: [{name: A, stages: [{name: a, weight: .nan}]}]\n", "weight is NaN"},
		"stage parts":      {"definitions: [{name: A, stages: [{name: a, parts: -1}]}]\n", "parts is -1"},
		"stage no time":    {"definitions: [{name: A, stages: [{name: a, expected: 40}]}]\n", `line 1, column 54: definitions[0].stages[0].expected is "40": give a time like 40s`},

		"half a size":    {"journal: {keep_mib: 0.5}\n", `line 1, column 21: journal.keep_mib is "0.5": give a whole number`},
		"half a day":     {"journal: {keep_days: 1.7}\n", `journal.keep_days is "1.7": give a whole number`},
		"size in words":  {"journal:\n  keep_days: 1d\n", `line 2, column 14: journal.keep_days is "1d": give a whole number`},
		"too large":      {"journal: {keep_days: 18446744073709551615}\n", "line 1, column 22: 18446744073709551615 is too large"},
		"no such time":   {"restart:\n  backoff: 10 minutes\n", `line 2, column 12: restart.backoff is "10 minutes": give a time like 40s`},
		"weight in text": {"definitions: [{name: A, stages: [{name: a, weight: heavy}]}]\n", `definitions[0].stages[0].weight is "heavy": give a number`},
		"number halved":  {"definitions: [{name: A, stages: [{name: a, number: 1.5}]}]\n", `number is "1.5": give a whole number`},
		"yes":            {"definitions: [{name: A, stages: [{name: a, optional: yes}]}]\n", `optional is "yes": give true or false`},
		"no list":        {"secrets: sk-123456\n", "line 1, column 10: secrets is no list"},
		"no text":        {"secrets: [{sk-123456: a}]\n", "secrets[0] is no text"},
		"no keys":        {"report: 3\n", "report has no keys"},
		"no settings":    {"- a\n", "miner.yaml has no keys"},
		"in a module":    {"modules:\n  images:\n    command: python3 x\n", "line 3, column 14: modules.images.command is no list"},
		"total":          {"modules: {images: {patterns: [stage-marks, {match: a, total: 1.5}]}}\n", `patterns[1].total is "1.5": give a whole number`},

		"pattern name":  {"modules: {images: {patterns: [marks]}}\n", `line 1, column 31: modules.images.patterns: no built-in pattern is called "marks": there are stage-marks and stage-lines`},
		"pattern key":   {"modules:\n  content:\n    patterns:\n    - mtch: a\n", `line 4, column 7: unknown key "mtch": did you mean "match"?`},
		"pattern group": {"modules:\n  content:\n    patterns:\n    - stage-marks\n    - match: 'a (?P<acount>.)'\n      event: started\n", `line 5, column 14: modules.content.patterns: group "acount" is not known`},
		"pattern event": {"modules: {content: {patterns: [{match: a, event: begun, stage: 1}]}}\n", `line 1, column 50: modules.content.patterns: event is "begun"`},

		"pattern alone": {"modules:\n  content:\n    patterns: [stage-marks]\n", "line 3, column 15: modules.content.patterns without modules.content.command"},
		"pattern definition": {
			"definitions: [{name: Render, stages: [{name: a, key: fetch}]}]\nmodules:\n  content:\n    command: [a]\n    patterns:\n    - {match: a, event: started, stage: fetch, definition: Rendr}\n",
			`line 6, column 60: modules.content.patterns: no definition in miner.yaml is called "Rendr": did you mean "Render"?`,
		},
		"pattern stage": {
			"definitions: [{name: Render, stages: [{name: a, key: fetch}]}]\nmodules: {content: {command: [a], patterns: [{match: a, event: started, stage: 2, definition: Render}]}}\n",
			`definition "Render" has no stage "2"`,
		},
		"pattern key of the eight": {"modules: {content: {command: [a], patterns: [{match: a, event: started, stage: fetch}]}}\n", `line 1, column 80: modules.content.patterns: stage is "fetch": without a definition it is a number from 0 to 7`},

		"secret itself": {"secrets: [API_KEY, sk-123456]\n", "line 1, column 20: secret 2 is neither the name"},
		"secret file":   {"secrets: ['file:']\n", "secret 1 is neither"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t.TempDir(), []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("parse = %v, want %q in it", err, c.want)
			}
			if strings.Contains(err.Error(), "Go ") || strings.Contains(err.Error(), "unmarshal") {
				t.Errorf("the error speaks of Go: %v", err)
			}
			if strings.Contains(err.Error(), "sk-123456") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("report: {format: time}"))
	f.Add([]byte("definitions: [{name: A, stages: [{key: a, name: A, expected: 40s}]}]\njournal: {durability: power}\nsecrets: [A]"))
	f.Add([]byte("modules: {content: {patterns: [stage-marks, {match: '(?P<stage>.)', event: started}]}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := parse("/home", text); err == nil && len(c.check()) > 0 {
			t.Errorf("a wrong configuration was taken: %+v", c)
		}
	})
}
