package stagewatch_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers says which of our packages each package may import. It is the drawing
// in docs/ARCHITECTURE.md, checked. Test files are free.
func layers() map[string][]string {
	stage := []string{"internal/content", "internal/bucket", "internal/account"}
	below := []string{
		"", "internal/content", "internal/bucket", "internal/account", "internal/scrape", "internal/clean",
		"internal/index", "internal/trend", "internal/generate", "internal/export", "internal/engine",
	}
	return map[string][]string{
		"":                  {"internal/journal", "internal/erase"},
		"internal/erase":    {},
		"internal/journal":  {},
		"supervise":         {},
		"internal/pattern":  {},
		"internal/config":   {"internal/pattern"},
		"internal/sqlite":   {},
		"internal/sqlite/*": {},
		"internal/content":  {},
		"internal/bucket":   {},
		"internal/account":  {"internal/content", "internal/bucket"},
		"internal/scrape":   stage,
		"internal/clean":    append([]string{"internal/clean/ngrams"}, stage...),
		"internal/clean/*":  {"internal/clean/ngrams"},
		"internal/index":    {"internal/content", "internal/sqlite", "internal/index/minilm"},
		"internal/index/*":  {"internal/index/minilm"},
		"internal/trend":    stage,
		"internal/generate": stage,
		"internal/export":   {"internal/content", "internal/bucket", "internal/account", "internal/export/report"},
		"internal/export/*": stage,
		"internal/engine":   {"internal/sqlite"},
		"internal/pipeline": below,
		"internal/images":   append([]string{"internal/images/card"}, below...),
		"internal/images/*": {"internal/content"},
		"cmd/*":             {"*"},
	}
}

func TestImportsPointDown(t *testing.T) {
	const module = "github.com/stagewatch/stagewatch"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	rel := func(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg := rel(fields[0])
		seen++
		allowed, ok := layers()[pkg]
		if !ok {
			allowed, ok = layers()[pkg[:strings.LastIndex(pkg, "/")+1]+"*"]
		}
		if !ok {
			t.Errorf("package %s has no layer: add it to layers and to docs/ARCHITECTURE.md", pkg)
		}
		for _, imp := range fields[1:] {
			if !strings.HasPrefix(imp+"/", module+"/") || slices.Contains(allowed, "*") {
				continue
			}
			if !slices.Contains(allowed, rel(imp)) {
				t.Errorf("%s must not import %s", pkg, rel(imp))
			}
		}
	}
	if seen < 10 {
		t.Fatalf("go list showed %d packages", seen)
	}
}
