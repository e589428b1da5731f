package stagewatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/journal"
)

func TestDefinitionIsRead(t *testing.T) {
	got, err := ParseDefinition([]byte(`{"name":"Render","stages":[
		{"key":"fetch","name":"Fetch","description":"files come","weight":2,"expected":40,"stall_after":1.5},
		{"number":5,"name":"Draw","parts":10,"optional":true},
		{"number":6,"name":"Done","instant":true}]}`))
	want := Definition{Name: "Render", Stages: []Stage{
		{Number: 1, Key: "fetch", Name: "Fetch", Description: "files come", Weight: 2, Expected: 40 * time.Second, StallAfter: 1500 * time.Millisecond},
		{Number: 5, Name: "Draw", Parts: 10, Optional: true},
		{Number: 6, Name: "Done", Instant: true},
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("definition (-want +got), %v:\n%s", err, diff)
	}
	if n, ok := got.Number("fetch"); n != 1 || !ok {
		t.Errorf("number of fetch = %d, %v", n, ok)
	}
	if n, ok := got.Number(""); ok {
		t.Errorf("number of no key = %d", n)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseDefinition(text)
	if diff := cmp.Diff(want, again); err != nil || diff != "" {
		t.Errorf("definition written and read (-want +got), %v:\n%s", err, diff)
	}
}

func TestDefinitionSaysWhatIsWrong(t *testing.T) {
	stages := func(list string) string { return `{"name":"D","stages":[` + list + `]}` }
	many := strings.Repeat(`{"name":"s"},`, maxStages) + `{"name":"s"}`
	for name, c := range map[string]struct{ text, says string }{
		"no JSON":          {`{"name"`, "line 1, column 7: the JSON ends too early"},
		"no name":          {`{"stages":[{"name":"a"}]}`, "without a name"},
		"no stages":        {`{"name":"D"}`, "has no stages"},
		"unknown field":    {stages(`{"name":"a","colour":"red"}`), `unknown field "colour"`},
		"stage unnamed":    {stages(`{"number":3}`), "stage 3 has no name"},
		"falling":          {stages(`{"number":3,"name":"a"},{"number":2,"name":"b"}`), "stage 2 comes after stage 3"},
		"place is taken":   {stages(`{"number":2,"name":"a"},{"name":"b"}`), "stage 2 comes after stage 2"},
		"key twice":        {stages(`{"key":"k","name":"a"},{"key":"k","name":"b"}`), `share the key "k"`},
		"key is a number":  {stages(`{"key":"7","name":"a"}`), "reads as a number"},
		"negative time":    {stages(`{"name":"a","expected":-1}`), "stage 1: expected"},
		"endless time":     {stages(`{"name":"a","stall_after":1e300}`), "stage 1: stall_after"},
		"negative weight":  {stages(`{"name":"a","weight":-1}`), "weight -1"},
		"too many stages":  {stages(many), "at most 1000"},
		"built in":         {`{"name":"Content","stages":[{"name":"a"}]}`, "choose another name"},
		"something behind": {stages(`{"name":"a"}`) + `{}`, "follows its end"},
		"too large":        {strings.Repeat(" ", maxDefinition) + stages(`{"name":"a"}`), "at most 65536"},
		"number too large": {stages(`{"number":9007199254740992,"name":"a"}`), "beyond"},
	} {
		if d, err := ParseDefinition([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v, want an error with %q", name, d, err, c.says)
		}
	}
	if err := DefaultDefinition().check(); err != nil {
		t.Errorf("the default definition: %v", err)
	}
}

// Texts that JSON escapes grow sixfold: such a definition would never be recorded.
func TestDefinitionBeyondARecordIsRefused(t *testing.T) {
	d := Definition{Name: "D", Stages: []Stage{{Number: 1, Name: "a", Description: strings.Repeat("\x01", maxDefinition/2)}}}
	if _, err := Open(Config{Home: t.TempDir(), Definition: d}); !errors.Is(err, journal.ErrTooLarge) {
		t.Errorf("Open says %v, want %v", err, journal.ErrTooLarge)
	}
}

// FuzzDefinition holds what is read to what was promised of it: it passes the
// check, and what it is written as reads the same.
func FuzzDefinition(f *testing.F) {
	f.Add(`{"name":"D","stages":[{"key":"k","name":"a","expected":0.1},{"number":9,"name":"b","instant":true}]}`)
	f.Add(`{"name":"D","stages":[{"number":-3,"name":"a","weight":1e300}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDefinition([]byte(text))
		if err != nil {
			return
		}
		written, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var again Definition
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(again) != fmt.Sprint(d) {
			t.Errorf("%s\nwas written as\n%s", text, written)
		}
	})
}

func TestDefinitionErrorsAreInPlainWords(t *testing.T) {
	for text, want := range map[string]string{
		"":      "definition: it is empty: give a JSON object",
		"[]":    "definition: line 1, column 1: it is a list: give an object",
		"{\n]}": "definition: line 2, column 1: no JSON: invalid character ']'",
		`{"name":"R","stages":[{"name":"a","expected":"40s"}]}`: "stages.expected is a text: give a number",
		`{"name":"R","stages":[{"name":"a","number":1.5}]}`:     "stages.number is number 1.5: give a whole number",
		`{"name":"R","stages":[{"name":"a","optional":1}]}`:     "stages.optional is number: give true or false",
		"{\"name\":\"R\",\n\"stages\":{}}":                      "line 2, column 10: stages is an object: give a list",
		`{"name":3}`:                                            "name is number: give a text",
		`{"name":"R","stages":[{"name":"a","expeted":4}]}`:      `unknown field "expeted"`,
		`{"name":"R","stages":[`:                                "definition: line 1, column 22: the JSON ends too early",
	} {
		_, err := ParseDefinition([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Go ") {
			t.Errorf("ParseDefinition(%s) = %v, want %q in it", text, err, want)
		}
	}
}
