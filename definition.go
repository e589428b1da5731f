package stagewatch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Bounds of a definition.
const (
	maxStages     = 1000
	maxDefinition = 64 << 10  // bytes of JSON
	maxNumber     = 1<<53 - 1 // of a stage: what every JSON reader keeps exactly
)

// Stage is a numbered, named part of a run.
type Stage struct {
	Number int
	// Key is another way to name the stage in a call, for example "scrape".
	Key         string
	Name        string
	Description string
	Weight      float64 // its share of a run's work; 0 counts as 1
	// Expected is how long an attempt usually takes, StallAfter how long one may be
	// silent. Without them the stage's own history tells. In JSON both are seconds.
	Expected   time.Duration
	StallAfter time.Duration
	// Parts is how many parts an attempt has, when progress is counted in parts.
	Parts int64
	// Optional stages may be left out of a run.
	Optional bool
	// Instant stages have no start of their own: complete without start is normal.
	Instant bool
}

// stageJSON is the form of a stage in records, status files and definitions.
type stageJSON struct {
	Number      *int    `json:"number,omitempty"`
	Key         string  `json:"key,omitempty"`
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	Weight      float64 `json:"weight,omitempty"`
	Expected    float64 `json:"expected,omitempty"`    // seconds
	StallAfter  float64 `json:"stall_after,omitempty"` // seconds
	Parts       int64   `json:"parts,omitempty"`
	Optional    bool    `json:"optional,omitempty"`
	Instant     bool    `json:"instant,omitempty"`
}

// MarshalJSON encodes the stage with times in seconds.
func (s Stage) MarshalJSON() ([]byte, error) {
	return json.Marshal(stageJSON{
		Number: &s.Number, Key: s.Key, Name: s.Name, Description: s.Description, Weight: s.Weight,
		Expected: s.Expected.Seconds(), StallAfter: s.StallAfter.Seconds(),
		Parts: s.Parts, Optional: s.Optional, Instant: s.Instant,
	})
}

// UnmarshalJSON decodes what [Stage.MarshalJSON] wrote.
func (s *Stage) UnmarshalJSON(text []byte) error {
	var j stageJSON
	_, err := readFields(text, map[string]any{
		"number": &j.Number, "key": &j.Key, "name": &j.Name, "description": &j.Description, "weight": &j.Weight,
		"expected": &j.Expected, "stall_after": &j.StallAfter, "parts": &j.Parts, "optional": &j.Optional, "instant": &j.Instant,
	})
	if err != nil {
		return err
	}
	if j.Number == nil {
		return errors.New("stage without a number")
	}
	decoded, err := j.stage(0)
	if err == nil {
		*s = decoded
	}
	return err
}

// stage returns the stage that j stands for; without a number it has the given one.
func (j stageJSON) stage(number int) (Stage, error) {
	if j.Number != nil {
		number = *j.Number
	}
	expected, err := duration(j.Expected)
	if err != nil {
		return Stage{}, fmt.Errorf("stage %d: expected: %w", number, err)
	}
	silence, err := duration(j.StallAfter)
	if err != nil {
		return Stage{}, fmt.Errorf("stage %d: stall_after: %w", number, err)
	}
	return Stage{
		Number: number, Key: j.Key, Name: j.Name, Description: j.Description, Weight: j.Weight,
		Expected: expected, StallAfter: silence, Parts: j.Parts, Optional: j.Optional, Instant: j.Instant,
	}, nil
}

// longest is the longest time that a definition may name: 31 years.
const longest = 1e9 * time.Second

func duration(seconds float64) (time.Duration, error) {
	if seconds < 0 || seconds > longest.Seconds() {
		return 0, fmt.Errorf("%v is not a number of seconds from 0 to %.0f", seconds, longest.Seconds())
	}
	return time.Duration(math.Round(seconds * float64(time.Second))), nil
}

// Definition is a named, ordered list of stages. The last one ends a run; so
// does any after which only optional ones come.
type Definition struct {
	Name   string  `json:"name"`
	Stages []Stage `json:"stages"`
}

// defaultName is the name of the default definition. Lines of other
// definitions begin with their name.
const defaultName = "Content"

// DefaultDefinition returns the eight stages that a tracker uses when it is
// given none.
func DefaultDefinition() Definition {
	return Definition{Name: defaultName, Stages: []Stage{
		{Number: 0, Name: "Initialization", Description: "system start, modules launched, watchdog set up"},
		{Number: 1, Name: "Data Scraping", Description: "posts are collected from the platform"},
		{Number: 2, Name: "Data Retrieval", Description: "raw data is read back, validated, cleaned"},
		{Number: 3, Name: "Vector Database", Description: "posts are indexed: embeddings are built"},
		{Number: 4, Name: "Time Series Analysis", Description: "engagement patterns, trends, forecast"},
		{Number: 5, Name: "Content Generation", Description: "recommendations are written"},
		{Number: 6, Name: "Exportation", Description: "results and content plan are saved"},
		{Number: 7, Name: "Complete", Description: "the pipeline ended well", Instant: true},
	}}
}

// ParseDefinition reads a definition from JSON of at most 64 KiB:
//
//	{"name": "Render", "stages": [{"key": "fetch", "name": "Fetch", "expected": 40}]}
//
// Times are seconds. A stage without a number has its place in the list, from
// 1 on. An error names the stage and what is wrong with it; an unknown field is one.
func ParseDefinition(text []byte) (Definition, error) {
	if len(text) > maxDefinition {
		return Definition{}, fmt.Errorf("definition: %d bytes, at most %d are read", len(text), maxDefinition)
	}
	var j struct {
		Name   string      `json:"name"`
		Stages []stageJSON `json:"stages"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&j); err != nil {
		return Definition{}, fmt.Errorf("definition: %w", explain(text, err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Definition{}, fmt.Errorf("definition %q: something follows its end", j.Name)
	}
	if err := checkNames(text); err != nil {
		return Definition{}, fmt.Errorf("definition %q: %w", j.Name, err)
	}
	d := Definition{Name: j.Name, Stages: make([]Stage, 0, len(j.Stages))}
	for i, s := range j.Stages {
		stage, err := s.stage(i + 1)
		if err != nil {
			return Definition{}, fmt.Errorf("definition %q: %w", d.Name, err)
		}
		d.Stages = append(d.Stages, stage)
	}
	return d, d.check()
}

// explain says what is wrong with the JSON of a definition, and where.
func explain(text []byte, err error) error {
	at := func(offset int64) string {
		before := text[:min(max(offset, 1), int64(len(text)))]
		return fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')-1)
	}
	var form *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &form):
		wants := map[reflect.Kind]string{
			reflect.Struct: "an object", reflect.Slice: "a list", reflect.String: "a text", reflect.Bool: "true or false", reflect.Float64: "a number",
		}
		want, ok := wants[form.Type.Kind()]
		if !ok {
			want = "a whole number"
		}
		is := map[string]string{"array": "a list", "object": "an object", "string": "a text", "bool": "true or false"}[form.Value]
		is = cmp.Or(is, form.Value) // "number 1.5"
		return fmt.Errorf("%s: %s is %s: give %s", at(form.Offset), cmp.Or(form.Field, "it"), is, want)
	case errors.As(err, &syntax):
		return fmt.Errorf("%s: no JSON: %w", at(syntax.Offset), err)
	case errors.Is(err, io.EOF):
		return errors.New("it is empty: give a JSON object")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the JSON ends too early", at(int64(len(text))))
	}
	if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return fmt.Errorf("unknown field %s", field)
	}
	return err
}

// checkNames returns an error about a field whose name is only nearly right, as
// in "Name", which encoding/json takes for "name".
func checkNames(text []byte) error {
	var stages []json.RawMessage
	given, err := readFields(text, map[string]any{"stages": &stages})
	known := []string{"name", "stages"}
	for i := 0; ; i++ {
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(given)) {
			if !slices.Contains(known, name) {
				return fmt.Errorf("unknown field %q", name)
			}
		}
		if i == len(stages) {
			return nil
		}
		given, err = readFields(stages[i], nil)
		known = []string{"number", "key", "name", "description", "weight", "expected", "stall_after", "parts", "optional", "instant"}
	}
}

// UnmarshalJSON decodes a definition as records and status files have it. Fields
// of newer programs are passed over.
func (d *Definition) UnmarshalJSON(text []byte) error {
	_, err := readFields(text, map[string]any{"name": &d.Name, "stages": &d.Stages})
	return err
}

// Number returns the number of the stage with the given key, and whether there is one.
func (d Definition) Number(key string) (int, bool) {
	i := slices.IndexFunc(d.Stages, func(s Stage) bool { return s.Key == key && key != "" })
	if i < 0 {
		return 0, false
	}
	return d.Stages[i].Number, true
}

// last returns the number of the stage that ends a run, whatever comes before.
func (d Definition) last() int {
	if len(d.Stages) == 0 {
		return -1
	}
	return d.Stages[len(d.Stages)-1].Number
}

// check returns what is wrong with d.
func (d Definition) check() error {
	switch {
	case d.Name == "":
		return errors.New("definition without a name")
	case len(d.Name) > maxName:
		return fmt.Errorf("definition: a name of %d bytes, at most %d are kept", len(d.Name), maxName)
	case len(d.Stages) == 0:
		return fmt.Errorf("definition %q has no stages", d.Name)
	case len(d.Stages) > maxStages:
		return fmt.Errorf("definition %q has %d stages, at most %d are kept", d.Name, len(d.Stages), maxStages)
	case d.Name == defaultName && !reflect.DeepEqual(d, DefaultDefinition()):
		return fmt.Errorf("definition %q is built in: choose another name", d.Name)
	}
	keys := map[string]int{}
	size := len(d.Name)
	for i, s := range d.Stages {
		if size += len(s.Name) + len(s.Key) + len(s.Description); size > maxDefinition {
			return fmt.Errorf("definition %q is larger than %d bytes", d.Name, maxDefinition)
		}
		if err := s.check(); err != nil {
			return fmt.Errorf("definition %q: stage %d %w", d.Name, s.Number, err)
		}
		if i > 0 && s.Number <= d.Stages[i-1].Number {
			return fmt.Errorf("definition %q: stage %d comes after stage %d", d.Name, s.Number, d.Stages[i-1].Number)
		}
		if other, taken := keys[s.Key]; taken && s.Key != "" {
			return fmt.Errorf("definition %q: stages %d and %d share the key %q", d.Name, other, s.Number, s.Key)
		}
		keys[s.Key] = s.Number
	}
	return nil
}

// check returns what is wrong with s, as the end of a sentence about it.
func (s Stage) check() error {
	switch {
	case s.Name == "":
		return errors.New("has no name")
	case len(s.Name) > maxName || len(s.Key) > maxName:
		return fmt.Errorf("has a name or key of more than %d bytes", maxName)
	case s.Weight < 0 || math.IsNaN(s.Weight) || math.IsInf(s.Weight, 0):
		return fmt.Errorf("has weight %v", s.Weight)
	case s.Parts < 0 || s.Parts > maxNumber:
		return fmt.Errorf("has %d parts", s.Parts)
	case s.Expected < 0 || s.Expected > longest || s.StallAfter < 0 || s.StallAfter > longest:
		return fmt.Errorf("has a time that is not from 0 to %v", longest)
	case s.Number > maxNumber || s.Number < -maxNumber:
		return fmt.Errorf("has a number beyond ±%d", maxNumber)
	}
	if digits := strings.TrimPrefix(strings.TrimPrefix(s.Key, "-"), "+"); digits != "" && strings.Trim(digits, "0123456789") == "" {
		return fmt.Errorf("has the key %q, which reads as a number", s.Key)
	}
	return nil
}
