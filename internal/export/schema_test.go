package export

import (
	"bytes"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"testing"

	second "github.com/santhosh-tekuri/jsonschema/v6"
)

// Another validator, the one that most tools use, has the same opinion of a
// plan and of every way to damage one value of it.
func TestSecondValidatorAgrees(t *testing.T) {
	const address = "https://github.com/stagewatch/stagewatch/schema/export/v1/"
	ours, err := compileSchemas()
	if err != nil {
		t.Fatal(err)
	}
	compiler := second.NewCompiler()
	files, err := schemaFiles.ReadDir("schema")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := schemaFiles.ReadFile(path.Join("schema", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := second.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource(address+f.Name(), doc); err != nil {
			t.Fatal(err)
		}
	}
	theirs, err := compiler.Compile(address + "content_plan.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(planOf(samples()["thin account"]))
	if err != nil {
		t.Fatal(err)
	}
	var plan any
	if err := json.Unmarshal(text, &plan); err != nil {
		t.Fatal(err)
	}
	seen, refused := 0, 0
	damage(plan, func(v any) { plan = v }, func() {
		text, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		value, err := second.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		got, want := ours.check("content_plan", text), theirs.Validate(value)
		if (got == nil) != (want == nil) {
			t.Errorf("ours says %v, the other %v, of %s", got, want, text)
		}
		seen++
		if got != nil {
			refused++
		}
	})
	if seen < 400 || refused < seen/2 {
		t.Errorf("%d damaged plans were tried, %d refused", seen, refused)
	}
}

// damage calls try with v, and each value within it, replaced and left out in
// turn. put puts a value in v's place.
func damage(v any, put func(any), try func()) {
	for _, other := range []any{nil, true, -1.0, 1.5, "", "x y", []any{}, map[string]any{}} {
		put(other)
		try()
	}
	put(v)
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			inner := v[key]
			delete(v, key)
			try()
			v[key] = inner
			damage(inner, func(x any) { v[key] = x }, try)
		}
		v["unheard_of"] = 1
		try()
		delete(v, "unheard_of")
	case []any:
		for i, inner := range v {
			damage(inner, func(x any) { v[i] = x }, try)
		}
	}
}
