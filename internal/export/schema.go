package export

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

//go:embed schema/*.json
var schemaFiles embed.FS

// schemas are the resolved schemas of the exported objects, by file name without ending.
type schemas map[string]*jsonschema.Resolved

// Schemas returns the JSON Schemas of the exported objects, one file each, for
// those who read them with other tools.
func Schemas() fs.FS { return schemaFiles }

func compileSchemas() (schemas, error) {
	files, err := schemaFiles.ReadDir("schema")
	if err != nil {
		return nil, fmt.Errorf("schemas: %w", err)
	}
	all := schemas{}
	for _, f := range files {
		s, err := readSchema(f.Name())
		if err != nil {
			return nil, err
		}
		// The schemas name each other below one address, by file name.
		beside := func(address *url.URL) (*jsonschema.Schema, error) { return readSchema(path.Base(address.Path)) }
		resolved, err := s.Resolve(&jsonschema.ResolveOptions{Loader: beside})
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", f.Name(), err)
		}
		all[strings.TrimSuffix(f.Name(), ".json")] = resolved
	}
	return all, nil
}

func readSchema(file string) (*jsonschema.Schema, error) {
	data, err := schemaFiles.ReadFile(path.Join("schema", file))
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", file, err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("schema %s: %w", file, err)
	}
	return &s, nil
}

// check returns where data breaks the named schema, nil when it does not.
func (s schemas) check(name string, data []byte) error {
	schema, ok := s[name]
	if !ok {
		return fmt.Errorf("there is no schema %q", name)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	return schema.Validate(v)
}
