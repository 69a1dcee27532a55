package scenarios

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed files/*.yaml
var files embed.FS

// JSONSchema is the schema of scenario files for editors, JSON Schema draft 2020-12. It accepts every
// file that Load accepts and refuses wrong keys, forms and words; what depends on other values of the
// file only Load can tell.
//
//go:embed schema.json
var JSONSchema string

// Info describes a scenario that comes with the program.
type Info struct{ Name, Description string }

// names lists the embedded scenarios in the order of their names.
func names() []string {
	entries, err := files.ReadDir("files")
	if err != nil {
		panic("scenarios: " + err.Error()) // embedded at build time
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	slices.Sort(out) // the extension sorts otherwise than the end of a name
	return out
}

// Embedded lists the scenarios that come with the program, by name.
func Embedded() []Info {
	var out []Info
	for _, name := range names() {
		data, err := Open(name)
		if err != nil {
			panic("scenarios: " + err.Error())
		}
		var head struct{ Description string }
		if err := yaml.Unmarshal(data, &head); err != nil {
			panic("scenarios: " + name + ": " + err.Error())
		}
		out = append(out, Info{Name: name, Description: head.Description})
	}
	return out
}

// Open returns the file of an embedded scenario. The error lists the names there are.
func Open(name string) ([]byte, error) {
	data, err := files.ReadFile("files/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("scenario %q is not known; %s", name, accepted(name, names()))
	}
	return data, nil
}
