package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The real posts that lie beside the project are read where they are present.
func TestRealAccounts(t *testing.T) {
	raw, err := filepath.Abs("../../../shared/data/raw")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(raw); err != nil {
		t.Skip("no real posts beside the project: real accounts were not tried")
	}
	home := t.TempDir()
	good := [][]string{
		{"instagram/fentybeauty", "--competitor", "maccosmetics"},
		{"twitter", "elonmusk"},
		{"facebook", "cocacola"},
	}
	for _, args := range good {
		out, err := command(home, append(append([]string{"process"}, args...), "--from", raw)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "✅ Stage 7 Complete - Complete for ") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	for account, reason := range map[string]string{
		"facebook/Appleas":          "is not available",
		"instagram/private_account": "is private",
		"twitter/empty_account":     "cannot say why",
		"twitter/nobody":            "no raw file twitter/nobody/nobody.json under " + raw + ": add it or use --from",
	} {
		out, err := command(home, "process", account, "--from", raw).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "Stage 1 Failed") || !strings.Contains(string(out), reason) {
			t.Errorf("%s: %v\n%s", account, err, out)
		}
	}
	citesOnlyRealPosts(t, home, raw)
}

// citesOnlyRealPosts checks that every post id in the plans stands in the raw files.
func citesOnlyRealPosts(t *testing.T, home, raw string) {
	t.Helper()
	for account, files := range map[string][]string{
		"instagram/fentybeauty": {"fentybeauty", "maccosmetics"},
		"twitter/elonmusk":      {"elonmusk"},
		"facebook/cocacola":     {"cocacola"},
	} {
		var text strings.Builder
		for _, f := range files {
			b, err := os.ReadFile(filepath.Join(raw, account, f+".json"))
			if err != nil {
				t.Fatal(err)
			}
			text.Write(b)
		}
		plan, err := os.ReadFile(filepath.Join(home, "tasks/content_plans", account, "content_plan.json"))
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(plan, &value); err != nil {
			t.Fatal(err)
		}
		cited := 0
		postIDs(value, func(id string) {
			cited++
			if !strings.Contains(text.String(), `"`+id+`"`) {
				t.Errorf("%s: the plan cites post %s, which is in no raw file", account, id)
			}
		})
		if cited == 0 {
			t.Errorf("%s: the plan cites no post", account)
		}
	}
}

func postIDs(value any, each func(string)) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if list, ok := inner.([]any); ok && key == "post_ids" {
				for _, id := range list {
					if text, ok := id.(string); ok {
						each(text)
					}
				}
				continue
			}
			postIDs(inner, each)
		}
	case []any:
		for _, inner := range v {
			postIDs(inner, each)
		}
	}
}
