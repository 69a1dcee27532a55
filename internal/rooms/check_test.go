package rooms

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the module path; imports below it are edges between rooms.
const module = "ouroboros"

// finding is one broken rule at one place.
type finding struct {
	pos token.Position
	msg string
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s", f.pos.Filename, f.pos.Line, f.msg)
}

// checker gathers the findings of one package.
type checker struct {
	fset  *token.FileSet
	dir   string // the package folder, relative to the module root
	found []finding
}

func (c *checker) add(pos token.Pos, format string, args ...any) {
	c.found = append(c.found, finding{c.fset.Position(pos), fmt.Sprintf(format, args...)})
}

// source is one Go file handed to the checker.
type source struct {
	name string // as findings name it
	text []byte
}

// checkPackage checks the non-test files of the package in dir. The findings
// come in order of file and line.
func checkPackage(dir string, files []source) ([]finding, error) {
	c := &checker{fset: token.NewFileSet(), dir: dir}
	parsed := make([]*ast.File, 0, len(files))
	for _, f := range files {
		file, err := parser.ParseFile(c.fset, f.name, f.text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, file)
	}
	r := roomOf(dir)
	if r == nil {
		c.add(parsed[0].Package, "folder %q belongs to no room of the table", dir)
		return c.found, nil
	}
	vars := packageVars(parsed)
	for _, file := range parsed {
		c.checkImports(r, file)
		// Generated code is not ours to shape; protobuf's keeps its
		// descriptors in package variables.
		if !ast.IsGenerated(file) {
			c.checkPurity(r.rules, file, vars)
		}
	}
	slices.SortStableFunc(c.found, func(a, b finding) int {
		if n := strings.Compare(a.pos.Filename, b.pos.Filename); n != 0 {
			return n
		}
		return a.pos.Line - b.pos.Line
	})
	return slices.Compact(c.found), nil
}

// checkImports checks the direct imports of a file against the table.
func (c *checker) checkImports(r *room, file *ast.File) {
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			c.add(spec.Pos(), "import path %s: %v", spec.Path.Value, err)
			continue
		}
		if slices.Contains(nowhere, path) {
			c.add(spec.Pos(), "%q is imported nowhere: it needs cgo", path)
			continue
		}
		if r.rules != host && spec.Name != nil && spec.Name.Name == "." {
			c.add(spec.Pos(), "dot import of %q hides where a name comes from", path)
		}
		switch {
		case path == module || strings.HasPrefix(path, module+"/"):
			c.checkEdge(r, spec, strings.TrimPrefix(strings.TrimPrefix(path, module), "/"))
		case isStd(path):
			c.checkStd(r, spec, path)
		case !r.allowsLib(path):
			c.add(spec.Pos(), "%s may not import the library %q", r.name, path)
		}
	}
}

// checkEdge checks an import of another package of the module.
func (c *checker) checkEdge(r *room, spec *ast.ImportSpec, dir string) {
	other := roomOf(dir)
	switch {
	case other == nil:
		c.add(spec.Pos(), "import of folder %q, which belongs to no room of the table", dir)
	case !r.allows(other):
		c.add(spec.Pos(), "%s may not import %s (%s/%s)", r.name, other.name, module, dir)
	}
}

// checkStd checks an import of the standard library.
func (c *checker) checkStd(r *room, spec *ast.ImportSpec, path string) {
	first, _, _ := strings.Cut(path, "/")
	isOS := slices.Contains([]string{"os", "net", "syscall"}, first) && !slices.Contains(valuesOnly, path)
	switch {
	case r.rules&noOS != 0 && isOS:
		c.add(spec.Pos(), "%s may not import %q: no operating system here", r.name, path)
	case r.rules&noRand != 0 && path == "crypto/rand":
		c.add(spec.Pos(), "%s may not import %q: key material comes from core.Env.Entropy", r.name, path)
	}
}

// isStd tells whether an import path is one of the standard library: its first
// element has no dot.
func isStd(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// moduleRoot returns the folder of the nearest go.mod at or above the working
// directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above %s", dir)
		}
		dir = up
	}
}

// packages returns the non-test Go files of the module by package folder.
// Files are taken whatever their build constraints say.
func packages(root fs.FS) (map[string][]source, error) {
	pkgs := map[string][]source{}
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != "." && skipped(root, path, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		dir := strings.TrimSuffix(strings.TrimSuffix(path, name), "/")
		pkgs[dir] = append(pkgs[dir], source{path, text})
		return nil
	})
	return pkgs, err
}

// skipped tells whether the go tool ignores a folder too: hidden, underscored,
// test data, or a module of its own.
func skipped(root fs.FS, path, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor" {
		return true
	}
	_, err := fs.Stat(root, path+"/go.mod")
	return err == nil
}

// strangers returns the top-level folders that the table does not know.
func strangers(root fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(root, ".")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(topLevels, e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out, nil
}
