package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stagewatch/stagewatch"
)

// snippet returns the piece of code that follows a heading word of the README's
// section about stages of one's own.
func snippet(t *testing.T, language string) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Stages of your own\n")
	section, _, _ = strings.Cut(section, "\n## ")
	m := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(section, -1)
	if len(m) != 1 {
		t.Fatalf("the README shows %d pieces of %s, want one", len(m), language)
	}
	return m[0][1]
}

// tells runs a command on a new home and checks that it tells of the README's stage.
func tells(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	home := t.TempDir()
	cmd.Env = append(os.Environ(), append(cmd.Env, "MINER_HOME="+home)...)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, r := range state(t, home).Runs {
		if s := r.Newest(); r.Account == "elonmusk" && s.State == stagewatch.StatusCompleted {
			return
		}
	}
	t.Errorf("no stage of elonmusk is completed: %+v", state(t, home).Runs)
}

func TestReadmeGo(t *testing.T) {
	main := filepath.Join(t.TempDir(), "main.go")
	text := `package main

import (
	"context"
	"os"

	"github.com/stagewatch/stagewatch"
)

func scrape(context.Context, string) error { return nil }

func work(ctx context.Context) (err error) {
` + snippet(t, "go") + `	return err
}

func main() {
	if work(context.Background()) != nil {
		os.Exit(1)
	}
}
`
	if err := os.WriteFile(main, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", program, main).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	tells(t, exec.Command(program))
}

func TestReadmePython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no Python here")
	}
	client, err := filepath.Abs("../../client/python")
	if err != nil {
		t.Fatal(err)
	}
	text := "def scrape(username):\n    pass\n\n" + snippet(t, "python")
	run := func() *exec.Cmd { return exec.Command(python, "-c", text) }
	with := run()
	with.Env = []string{"PYTHONPATH=" + client, "PYTHONDONTWRITEBYTECODE=1"}
	tells(t, with)

	without := run()
	home := t.TempDir()
	without.Env = append(os.Environ(), "PYTHONPATH=", "MINER_HOME="+home)
	without.Dir = home
	if out, err := without.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("without the file: %v: %s", err, out)
	}
	if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
		t.Errorf("without the file something was recorded: %v, %v", left, err)
	}
}

func TestReadmeShell(t *testing.T) {
	miner, err := built()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"scrape", "clean"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-e", "-c", snippet(t, "sh"))
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + filepath.Dir(miner) + ":" + os.Getenv("PATH")}
	tells(t, cmd)
}
