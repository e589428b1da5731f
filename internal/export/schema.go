package export

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed schema/*.json
var schemaFiles embed.FS

// schemaBase is the address below which the schemas name each other.
const schemaBase = "https://github.com/stagewatch/stagewatch/schema/export/v1/"

// schemas are the compiled schemas of the exported objects, by file name without ending.
type schemas map[string]*jsonschema.Schema

// Schemas returns the JSON Schemas of the exported objects, one file each, for
// those who read them with other tools.
func Schemas() fs.FS { return schemaFiles }

func compileSchemas() (schemas, error) {
	files, err := schemaFiles.ReadDir("schema")
	if err != nil {
		return nil, fmt.Errorf("schemas: %w", err)
	}
	c := jsonschema.NewCompiler()
	for _, f := range files {
		data, err := schemaFiles.ReadFile(path.Join("schema", f.Name()))
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", f.Name(), err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", f.Name(), err)
		}
		if err := c.AddResource(schemaBase+f.Name(), doc); err != nil {
			return nil, fmt.Errorf("schema %s: %w", f.Name(), err)
		}
	}
	all := schemas{}
	for _, f := range files {
		s, err := c.Compile(schemaBase + f.Name())
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", f.Name(), err)
		}
		all[strings.TrimSuffix(f.Name(), ".json")] = s
	}
	return all, nil
}

// check returns where data breaks the named schema, nil when it does not.
func (s schemas) check(name string, data []byte) error {
	schema, ok := s[name]
	if !ok {
		return fmt.Errorf("there is no schema %q", name)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}
