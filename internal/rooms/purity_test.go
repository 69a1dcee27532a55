package rooms

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// clockFuncs are the functions that read the wall clock or arm a timer of the
// Go runtime, by import path.
var clockFuncs = map[string][]string{
	"time": {
		"Now", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Since", "Until",
	},
	"context": {"WithTimeout", "WithTimeoutCause", "WithDeadline", "WithDeadlineCause"},
}

// randNames are the names of math/rand and math/rand/v2 that do not touch the
// process-wide source: constructors and types.
var randNames = []string{
	"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf",
}

// checkPurity checks the statements and expressions of a file. Identifiers are
// resolved by the file's imports and the parser's scopes, so a local variable
// named like a package or like a package-level variable is told apart.
func (c *checker) checkPurity(rules rule, file *ast.File, vars map[string]bool) {
	imports := importTable(file)
	if rules&noState != 0 {
		c.checkStateTypes(file, imports)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			c.deny(rules, noGo, n, "no goroutine here: post to the core.Exec")
		case *ast.SelectStmt:
			c.deny(rules, noGo, n, "no select statement here: post to the core.Exec")
		case *ast.ChanType, *ast.SendStmt:
			c.deny(rules, noChan, n, "no channel here: post to the core.Exec")
		case *ast.SelectorExpr:
			c.checkSelector(rules, n, imports)
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				c.deny(rules, noChan, n, "no channel here: post to the core.Exec")
			}
		default:
			if rules&noState != 0 {
				c.checkWrites(file, n, imports, vars)
			}
		}
		return true
	})
}

// deny reports n if the room's rules hold r.
func (c *checker) deny(rules, r rule, n ast.Node, msg string) {
	if rules&r != 0 {
		c.add(n.Pos(), "%s", msg)
	}
}

// checkSelector checks a use of an imported name, called or not.
func (c *checker) checkSelector(rules rule, sel *ast.SelectorExpr, imports map[string]string) {
	id, ok := sel.X.(*ast.Ident)
	if !ok || id.Obj != nil {
		return
	}
	from, name := imports[id.Name], sel.Sel.Name
	switch {
	case slices.Contains(clockFuncs[from], name):
		c.deny(rules, noClock, sel, "no "+from+"."+name+" here: time is that of the core.Exec")
	case from == "math/rand" || from == "math/rand/v2":
		if !slices.Contains(randNames, name) {
			c.deny(rules, noRand, sel, "no "+from+"."+name+" here: draw from core.Env.Rand")
		}
	case from == "iter" && strings.HasPrefix(name, "Pull"):
		c.deny(rules, noCoroutine, sel, "no iter."+name+" here: coroutines belong to sim")
	}
}

// importTable maps the local package names of a file to import paths.
func importTable(file *ast.File) map[string]string {
	table := map[string]string{}
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // reported by checkImports
		}
		if spec.Name != nil {
			table[spec.Name.Name] = p
		} else {
			table[defaultName(p)] = p
		}
	}
	return table
}

// defaultName guesses the package name from the import path: its last element
// that is not a major version.
func defaultName(p string) string {
	base := path.Base(p)
	if v, ok := strings.CutPrefix(base, "v"); ok {
		if _, err := strconv.Atoi(v); err == nil {
			return path.Base(path.Dir(p))
		}
	}
	return base
}
