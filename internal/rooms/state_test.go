package rooms

import (
	"go/ast"
	"go/token"
	"slices"
)

// packageVars returns the names of the variables declared at package level.
func packageVars(files []*ast.File) map[string]bool {
	vars := map[string]bool{}
	for _, file := range files {
		for _, spec := range varSpecs(file) {
			for _, id := range spec.Names {
				vars[id.Name] = id.Name != "_" // "var _ I = T{}" checks a type and declares nothing
			}
		}
	}
	return vars
}

// varSpecs returns the package-level variable declarations of a file.
func varSpecs(file *ast.File) []*ast.ValueSpec {
	var specs []*ast.ValueSpec
	for _, d := range file.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.VAR {
			continue
		}
		for _, s := range gen.Specs {
			specs = append(specs, s.(*ast.ValueSpec))
		}
	}
	return specs
}

// checkStateTypes reports package-level variables whose type exists to be
// written: locks, pools and atomics.
func (c *checker) checkStateTypes(file *ast.File, imports map[string]string) {
	for _, spec := range varSpecs(file) {
		ast.Inspect(spec, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit, *ast.CallExpr:
				return false
			case *ast.SelectorExpr:
				id, ok := n.X.(*ast.Ident)
				if ok && id.Obj == nil && (imports[id.Name] == "sync" || imports[id.Name] == "sync/atomic") {
					c.add(n.Pos(), "package-level %s of type %s.%s is written state: keep it in a struct",
						spec.Names[0].Name, id.Name, n.Sel.Name)
				}
			}
			return true
		})
	}
}

// checkWrites reports the package-level variables that a statement writes:
// assignment to the variable or a part of it, ++ and --, a range clause with =,
// and the built-ins clear, copy and delete. Writes through a pointer or a slice
// taken from the variable before are not seen.
func (c *checker) checkWrites(file *ast.File, n ast.Node, imports map[string]string, vars map[string]bool) {
	var targets []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			targets = n.Lhs
		}
	case *ast.IncDecStmt:
		targets = []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			targets = []ast.Expr{n.Key, n.Value}
		}
	case *ast.CallExpr:
		fn, ok := n.Fun.(*ast.Ident)
		if ok && fn.Obj == nil && slices.Contains([]string{"clear", "copy", "delete"}, fn.Name) && len(n.Args) > 0 {
			targets = n.Args[:1]
		}
	}
	for _, t := range targets {
		c.checkTarget(file, t, imports, vars)
	}
}

// checkTarget reports t if the variable at its root is package state, of this
// package or of an imported one.
func (c *checker) checkTarget(file *ast.File, t ast.Expr, imports map[string]string, vars map[string]bool) {
	id := rootIdent(t)
	if id == nil {
		return
	}
	switch {
	case id.Obj == nil && imports[id.Name] != "":
		if _, bare := t.(*ast.Ident); !bare {
			c.add(t.Pos(), "package state of %s is written", imports[id.Name])
		}
	case id.Obj == nil && vars[id.Name], isPackageLevel(file, id):
		c.add(t.Pos(), "package-level variable %s is written: keep state in a struct", id.Name)
	}
}

// isPackageLevel tells whether the parser resolved id to a variable that this
// file declares at package level.
func isPackageLevel(file *ast.File, id *ast.Ident) bool {
	if id.Obj == nil {
		return false
	}
	spec, ok := id.Obj.Decl.(*ast.ValueSpec)
	return ok && slices.Contains(varSpecs(file), spec)
}

// rootIdent returns the variable that an assignable expression is a part of, or
// nil if that is the result of a call.
func rootIdent(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}
