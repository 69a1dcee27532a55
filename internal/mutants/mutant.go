package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mutant is a deliberate bug.
type mutant struct {
	Name    string `yaml:"-"`       // of its file
	Breaks  string `yaml:"breaks"`  // the rule that it breaks, with its section
	File    string `yaml:"file"`    // relative to the root of the module
	Find    string `yaml:"find"`    // text that stands once in it
	Replace string `yaml:"replace"` // what stands there instead
	// Campaign is the range of seeds within which the campaign must find it; empty: it need not.
	Campaign string `yaml:"campaign"`
	// Test is the package, and below it a pattern, whose tests must find it; empty: they need not.
	Test struct {
		Package string `yaml:"package"`
		Run     string `yaml:"run"`
	} `yaml:"test"`
}

// load reads the bugs of a folder in the order of their names.
func load(dir string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var out []mutant
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		m := mutant{Name: strings.TrimSuffix(filepath.Base(f), ".yaml")}
		d := yaml.NewDecoder(strings.NewReader(string(text)))
		d.KnownFields(true)
		if err := d.Decode(&m); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		if m.Breaks == "" || m.File == "" || m.Find == "" || m.Campaign == "" && m.Test.Package == "" {
			return nil, fmt.Errorf("%s: needs breaks, file, find, and campaign or test", f)
		}
		out = append(out, m)
	}
	return out, nil
}

// mutated returns the text of the file with the bug in it.
func (m *mutant) mutated(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.File))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.Find); n != 1 {
		return "", fmt.Errorf("mutant %s: its text stands %d times in %s, accepted is once:\n%s", m.Name, n, m.File, m.Find)
	}
	return strings.Replace(string(text), m.Find, m.Replace, 1), nil
}

// overlay writes the bug to a folder and returns the file that tells the go command of it.
func (m *mutant) overlay(root, dir string) (string, error) {
	text, err := m.mutated(root)
	if err != nil {
		return "", err
	}
	source := filepath.Join(dir, filepath.Base(m.File))
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, m.File): source}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}
