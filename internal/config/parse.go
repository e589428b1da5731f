package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// parse reads the text of a configuration over the defaults.
func parse(home string, text []byte) (Config, error) {
	if wrong := misshapen(text); len(wrong) > 0 {
		return Config{}, placed(text, wrong)
	}
	c := Default(home)
	err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&c)
	if err != nil && !errors.Is(err, io.EOF) {
		return Config{}, explain(err)
	}
	if c.Home == "" { // the decoder cleared everything: the file holds only comments
		c = Default(home)
	}
	if wrong := c.check(); len(wrong) > 0 {
		return Config{}, placed(text, wrong)
	}
	c.text = text
	return c, nil
}

// explain puts a decoder's error into one line with its place, and names the
// nearest known key for one that is unknown.
func explain(err error) error {
	if unknown, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		at := unknown.Token.Position
		key := unknown.Token.Value
		hint := ""
		if near := nearest(key, keys(reflect.TypeFor[Config]())); near != "" {
			hint = fmt.Sprintf(": did you mean %q?", near)
		}
		return fmt.Errorf("line %d, column %d: unknown key %q%s", at.Line, at.Column, key, hint)
	}
	if large, ok := errors.AsType[*yaml.OverflowError](err); ok {
		at := large.Token.Position
		return fmt.Errorf("line %d, column %d: %s is too large", at.Line, at.Column, large.SrcNum)
	}
	if other, ok := errors.AsType[*yaml.TypeError](err); ok {
		at := other.Token.Position
		return fmt.Errorf("line %d, column %d: a value of this form cannot stand here", at.Line, at.Column)
	}
	var located yaml.Error
	if errors.As(err, &located) && located.GetToken() != nil {
		at := located.GetToken().Position
		return fmt.Errorf("line %d, column %d: %s", at.Line, at.Column, located.GetMessage())
	}
	return err
}

// keys returns every key of a settings type and of the types within it.
func keys(t reflect.Type) []string {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var all []string
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			all = append(all, name)
		}
		all = append(all, keys(field.Type)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// nearest returns the candidate that fewest edits turn key into, "" when all
// are further away than a third of it.
func nearest(key string, candidates []string) string {
	best, fewest := "", len(key)/3+1
	for _, c := range candidates {
		if d := edits(key, c); d <= fewest && (best == "" || d < fewest) {
			best, fewest = c, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
