package stagewatch_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/config"
)

// files returns the files of the repository whose name ends in suffix.
func files(t *testing.T, suffix string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == ".cache" || d.Name() == "bin"):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, suffix):
			found = append(found, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// names returns what a Go file declares at its top level, methods by their bare name.
func names(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			all = append(all, d.Name.Name)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					all = append(all, s.Name.Name)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						all = append(all, name.Name)
					}
				}
			}
		}
	}
	return all
}

func TestPlacesNamedInDocsExist(t *testing.T) {
	place := regexp.MustCompile("`([\\w./-]+\\.go)#(\\w+)`")
	declared := map[string][]string{}
	seen := 0
	for _, page := range files(t, ".md") {
		for _, m := range place.FindAllStringSubmatch(read(t, page), -1) {
			file, name := m[1], m[2]
			seen++
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s names %s, which is not there", page, file)
				continue
			}
			if declared[file] == nil {
				declared[file] = names(t, file)
			}
			if !slices.Contains(declared[file], name) {
				t.Errorf("%s names %s#%s, which is not there", page, file, name)
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d places were found in the pages", seen)
	}
}

func TestLinksInDocsResolve(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fence := regexp.MustCompile("(?ms)^```.*?^```")
	seen := 0
	for _, page := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, page), ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			seen++
			file, anchor, _ := strings.Cut(m[1], "#")
			if file == "" {
				file = path.Base(page)
			}
			target := path.Join(path.Dir(page), file)
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s links to %s: no heading makes this anchor", page, m[1])
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d links were found in the pages", seen)
	}
}

// anchors returns what the headings of a page are linked by.
func anchors(page string) (all []string) {
	for line := range strings.Lines(page) {
		text := strings.TrimLeft(line, "#")
		if text == line || !strings.HasPrefix(text, " ") {
			continue
		}
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(text)))
	}
	return all
}

func TestGoFilesHoldOneIdea(t *testing.T) {
	const limit = 500
	all := files(t, ".go")
	for _, name := range all {
		if n := strings.Count(read(t, name), "\n"); n > limit {
			t.Errorf("%s has %d lines, at most %d are read in one go", name, n, limit)
		}
	}
	if len(all) < 100 {
		t.Errorf("only %d Go files were found", len(all))
	}
}

// TestDependenciesAreExplained compares docs/dependencies.md with the modules
// that our code imports, tests included, and the tools that it is checked with.
func TestDependenciesAreExplained(t *testing.T) {
	imported := lines(t, "go", "list", "-f", `{{join .Imports "\n"}}
{{join .TestImports "\n"}}
{{join .XTestImports "\n"}}`, "./...")
	modules, _ := required(t, "go.mod")
	toolbox, tools := required(t, "tools/go.mod")
	var wanted []string
	for _, module := range slices.Concat(modules, toolbox) {
		if slices.ContainsFunc(slices.Concat(imported, tools), func(p string) bool { return strings.HasPrefix(p+"/", module+"/") }) {
			wanted = append(wanted, module)
		}
	}
	var explained []string
	for _, row := range rows(read(t, "docs/dependencies.md")) {
		if name := code(row[0]); strings.Contains(name, "/") {
			explained = append(explained, name)
			if len(row) < 4 || slices.Contains(row, "") {
				t.Errorf("docs/dependencies.md: %s: say licence, purpose and why it is not our own", name)
			}
		}
	}
	if len(wanted) < 10 {
		t.Errorf("our code seems to import %v only", wanted)
	}
	for _, name := range explained {
		if !slices.Contains(wanted, name) {
			t.Errorf("docs/dependencies.md explains %s, which nothing imports", name)
		}
	}
	for _, name := range wanted {
		if !slices.Contains(explained, name) {
			t.Errorf("docs/dependencies.md lacks %s", name)
		}
	}
}

// lines runs a command and returns what it prints.
func lines(t *testing.T, command ...string) []string {
	t.Helper()
	out, err := exec.Command(command[0], command[1:]...).Output()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return strings.Fields(string(out))
}

// required returns the modules and the tools that a go.mod names.
func required(t *testing.T, file string) (modules, tools []string) {
	t.Helper()
	out, err := exec.Command("go", "mod", "edit", "-json", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	type named struct{ Path string }
	var mod struct{ Require, Tool []named }
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		modules = append(modules, r.Path)
	}
	for _, tool := range mod.Tool {
		tools = append(tools, tool.Path)
	}
	return modules, tools
}

// TestSettingsAreDocumented compares the table of docs/configuration.md with
// internal/config: every key, with its default.
func TestSettingsAreDocumented(t *testing.T) {
	defaults := map[string]string{}
	settings(reflect.ValueOf(config.Default("/home")), "", defaults)
	documented := map[string]string{}
	for _, row := range rows(read(t, "docs/configuration.md")) {
		if key := code(row[0]); key != "" && len(row) == 3 {
			documented[key] = code(row[1])
		}
	}
	for key, want := range defaults {
		if got, ok := documented[key]; !ok {
			t.Errorf("docs/configuration.md lacks %s (default %q)", key, want)
		} else if got != want {
			t.Errorf("docs/configuration.md says that %s is %q by default, want %q", key, got, want)
		}
	}
	for key := range documented {
		if _, ok := defaults[key]; !ok {
			t.Errorf("docs/configuration.md has %s, which is no setting", key)
		}
	}
}

// settings puts every key below v, with its default as a page shows it, into all.
func settings(v reflect.Value, prefix string, all map[string]string) {
	for field, value := range v.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case name == "-":
		case options == "inline":
			settings(value, prefix, all)
		case value.Kind() == reflect.Struct:
			settings(value, prefix+name+".", all)
		case value.IsZero():
			all[prefix+name] = ""
		default:
			all[prefix+name] = fmt.Sprint(value)
			if d, ok := reflect.TypeAssert[time.Duration](value); ok {
				all[prefix+name] = duration(d)
			}
		}
	}
}

// duration writes a time as a person would: 10m, not 10m0s.
func duration(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%dm", int(d.Minutes()))
	}
	return d.String()
}

// TestStatusFieldsAreDocumented compares docs/status.md with what is written.
func TestStatusFieldsAreDocumented(t *testing.T) {
	written := map[string]bool{}
	types := []any{
		stagewatch.State{},
		stagewatch.MinerState{},
		stagewatch.ModuleState{},
		stagewatch.Exit{},
		stagewatch.RunState{},
		stagewatch.StageState{},
		stagewatch.Failure{},
		stagewatch.Owner{},
		stagewatch.Skipped{},
		stagewatch.StageTimes{},
	}
	for _, v := range types {
		for field := range reflect.TypeOf(v).Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
				written[name] = true
			}
		}
	}
	documented := map[string]bool{}
	for _, row := range rows(read(t, "docs/status.md")) {
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
			documented[m[1]] = true
		}
	}
	for name := range written {
		if !documented[name] {
			t.Errorf("docs/status.md lacks %q", name)
		}
	}
	for name := range documented {
		if !written[name] {
			t.Errorf("docs/status.md has %q, which is not written", name)
		}
	}
}

// TestReadmeStepsAreTested holds the README's picture of the tests to what runs
// them. Its code is run by the tests of cmd/miner.
func TestReadmeStepsAreTested(t *testing.T) {
	steps := regexp.MustCompile(`(?m)^== (.*)$`).FindAllStringSubmatch(read(t, "README.md"), -1)
	script := read(t, "tools/test")
	for _, s := range steps {
		if !strings.Contains(script, "step '"+s[1]+"'") {
			t.Errorf("make test has no step %q", s[1])
		}
	}
	if len(steps) == 0 {
		t.Error("README shows no steps of make test")
	}
}

// TestRoomsAreDrawn holds the table of docs/ARCHITECTURE.md to layers.
func TestRoomsAreDrawn(t *testing.T) {
	span := regexp.MustCompile("`([^`]+)`")
	drawn := map[string]bool{}
	for _, row := range rows(read(t, "docs/ARCHITECTURE.md")) {
		if code(row[0]) == "" || len(row) != 3 {
			continue
		}
		room := strings.TrimSuffix(code(row[0]), "stagewatch")
		want, ok := layers()[room]
		if !ok {
			t.Errorf("docs/ARCHITECTURE.md has %q, arch_test.go not", room)
		}
		drawn[room] = true
		var got []string
		for _, m := range span.FindAllStringSubmatch(row[2], -1) {
			got = append(got, strings.TrimSuffix(m[1], "stagewatch"))
		}
		if row[2] == "everything" {
			got = []string{"*"}
		}
		if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("docs/ARCHITECTURE.md lets %q import %q, arch_test.go %q", room, got, want)
		}
	}
	for room := range layers() {
		if !drawn[room] {
			t.Errorf("docs/ARCHITECTURE.md has no row for package %q", room)
		}
	}
}

// TestCommandsInDocsExist holds every "miner word" in code to the commands that
// cmd/miner declares.
func TestCommandsInDocsExist(t *testing.T) {
	known := []string{"completion", "help"} // the command line library's own
	for _, name := range files(t, ".go") {
		if path.Dir(name) == "cmd/miner" {
			for _, m := range regexp.MustCompile(`Use:\s+"([a-z]+)|Use:\s+(module\w+)`).FindAllStringSubmatch(read(t, name), -1) {
				known = append(known, m[1], strings.ToLower(strings.TrimPrefix(m[2], "module")))
			}
		}
	}
	seen := 0
	for _, page := range []string{"README.md", "CHANGELOG.md", "docs/ARCHITECTURE.md", "docs/configuration.md"} {
		for _, m := range regexp.MustCompile("(?m)(?:`|^)miner ([a-z]+)(?: (add|list|retry|content|images)\\b)?").FindAllStringSubmatch(read(t, page), -1) {
			for _, word := range m[1:] {
				if seen++; word != "" && !slices.Contains(known, word) {
					t.Errorf("%s names %q, which is no command", page, strings.TrimPrefix(m[0], "`"))
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d commands were found in the pages", seen)
	}
}

// rows returns the cells of every row of a page's tables.
func rows(page string) (all [][]string) {
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|--") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all = append(all, cells)
	}
	return all
}

// code returns what a cell shows as code, "" when it shows none.
func code(cell string) string {
	_, rest, _ := strings.Cut(cell, "`")
	inner, _, _ := strings.Cut(rest, "`")
	return inner
}
