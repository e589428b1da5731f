package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/stagewatch/stagewatch/internal/pattern"
)

// misshapen returns a problem for each value of another form than its setting
// has. The decoder would cut fractions off, and tell of the others in the words
// of Go. What it finds by itself, unknown keys and broken YAML, is left to it.
func misshapen(text []byte) (all []problem) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil
	}
	for _, doc := range file.Docs {
		all = append(all, shape(doc.Body, reflect.TypeFor[Config](), "")...)
	}
	return all
}

// shape checks the node of a setting. It never shows a text: that may be a secret.
func shape(node ast.Node, t reflect.Type, path string) []problem {
	switch n := node.(type) {
	case nil, *ast.NullNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return nil
	case *ast.AnchorNode:
		return shape(n.Value, t, path)
	}
	switch {
	case t == reflect.TypeFor[pattern.Rule]() && isText(node): // the name of a built-in one
		return nil
	case t.Kind() == reflect.Pointer:
		return shape(node, t.Elem(), path)
	case t.Kind() == reflect.Slice:
		if list, ok := node.(*ast.SequenceNode); ok {
			return shapeEach(list, t.Elem(), path)
		}
		return []problem{wrong(path, "%s is no list: write [a, b], or a line with a dash for each", path)}
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		if values, ok := node.(ast.MapNode); ok {
			return shapeFields(values, t, path)
		}
		return []problem{wrong(path, "%s has no keys: write key: value below it", cmp.Or(path, File))}
	case t.Kind() == reflect.String:
		if _, scalar := node.(ast.ScalarNode); !scalar {
			return []problem{wrong(path, "%s is no text", path)}
		}
		return nil
	}
	if want := wanted(node, t); want != "" {
		return []problem{wrong(path, "%s is %s: give %s", path, shown(node), want)}
	}
	return nil
}

// wanted says what belongs in the place of a number, a time or a bool, "" when it is there.
func wanted(node ast.Node, t reflect.Type) string {
	_, whole := node.(*ast.IntegerNode)
	_, claim := node.(*ast.BoolNode)
	switch {
	case t == reflect.TypeFor[time.Duration]() && !isTime(node):
		return "a time like 40s or 10m"
	case t == reflect.TypeFor[time.Duration]():
		return ""
	case t.Kind() == reflect.Float64 && !isNumber(node):
		return "a number"
	case t.Kind() == reflect.Bool && !claim:
		return "true or false"
	case (t.Kind() == reflect.Int || t.Kind() == reflect.Int64) && !whole:
		return "a whole number"
	}
	return ""
}

func shapeEach(list *ast.SequenceNode, t reflect.Type, path string) (all []problem) {
	for i, node := range list.Values {
		all = append(all, shape(node, t, fmt.Sprintf("%s[%d]", path, i))...)
	}
	return all
}

func shapeFields(values ast.MapNode, t reflect.Type, path string) (all []problem) {
	for each := values.MapRange(); each.Next(); {
		key := each.Key().GetToken().Value
		at := strings.TrimPrefix(path+"."+key, ".")
		if t.Kind() == reflect.Map {
			all = append(all, shape(each.Value(), t.Elem(), at)...)
		} else if field, known := setting(t, key); known {
			all = append(all, shape(each.Value(), field, at)...)
		}
	}
	return all
}

// setting returns the type of the setting that a key of t stands for.
func setting(t reflect.Type, key string) (reflect.Type, bool) {
	for field := range t.Fields() {
		name, option, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == key && key != "-" {
			return field.Type, true
		}
		if option == "inline" {
			if found, ok := setting(field.Type, key); ok {
				return found, true
			}
		}
	}
	return nil, false
}

func isText(node ast.Node) bool {
	switch node.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return true
	}
	return false
}

func isTime(node ast.Node) bool {
	text, ok := node.(*ast.StringNode)
	if !ok {
		return false
	}
	_, err := time.ParseDuration(text.Value)
	return err == nil
}

func isNumber(node ast.Node) bool {
	switch node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return true
	}
	return false
}

// shown returns a value as it stands in the file, when it is a short one.
func shown(node ast.Node) string {
	const most = 40 // bytes
	switch node.(type) {
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a mapping"
	}
	if text := node.GetToken().Value; len(text) <= most {
		return fmt.Sprintf("%q", text)
	}
	return "a longer text"
}
