package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
		"wrong type":      {"report:\n  status_every: [1]\n", "line 2"},
		"not yaml":        {"report: {\n", "line"},
		"negative":        {"watch: {wait: -1s}\n", "watch.wait is -1s"},
		"format":          {"report: {format: xml}\n", "plain, time or json"},
		"public address":  {"modules: {images: {address: '0.0.0.0:8090'}}\n", "loopback"},
		"backoff reverse": {"restart: {backoff: 2m}\n", "backoff_max"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t.TempDir(), []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("parse = %v, want %q in it", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("report: {format: time}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := parse("/home", text); err == nil && c.check() != nil {
			t.Errorf("a wrong configuration was taken: %+v", c)
		}
	})
}
