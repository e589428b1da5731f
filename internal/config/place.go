package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// place is where something stands in the file; its zero value is nowhere.
type place struct{ line, column int }

// placed returns the problems as one error, each with its place, in the order
// of the file.
func placed(text []byte, problems []problem) error {
	file, err := parser.ParseBytes(text, 0)
	if err != nil { // it was decoded before
		file = &ast.File{}
	}
	at := map[problem]place{}
	for _, p := range problems {
		at[p] = find(file, p.path)
	}
	slices.SortFunc(problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(at[a].line, at[b].line), cmp.Compare(at[a].column, at[b].column), cmp.Compare(a.err.Error(), b.err.Error()))
	})
	var all []error
	for _, p := range problems {
		err := p.err
		if at[p] != (place{}) {
			err = fmt.Errorf("line %d, column %d: %w", at[p].line, at[p].column, err)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// find returns the place of a setting, or of what is nearest above it in the file.
func find(file *ast.File, path string) place {
	for ; path != ""; path = path[:max(0, strings.LastIndexAny(path, ".["))] {
		query, err := yaml.PathString("$." + path)
		if err != nil {
			continue
		}
		node, err := query.FilterFile(file)
		if err != nil || node == nil {
			continue
		}
		if m, ok := node.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
			node = m.Values[0].Key
		}
		if token := node.GetToken(); token != nil && token.Position != nil {
			return place{token.Position.Line, token.Position.Column}
		}
	}
	return place{}
}
