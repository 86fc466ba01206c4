package backend_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// The limits of the shape. Most code is far below them: they hold the tail.
// Tables make tests long, so that of tests only the complexity is held, loosely.
const (
	maxFile       = 450
	maxFunc       = 80
	maxComplexity = 15
	// maxTestComplexity counts a t.Run as a break, so that it is higher.
	maxTestComplexity = 50
)

// loose are the rooms with functions or files above the limits, and by how much
// theirs are higher. It only ever gets shorter.
var loose = map[string]struct{ file, complexity int }{
	"store": {file: 30, complexity: 9},
	"cli":   {complexity: 1},
}

// TestShape holds the length of files and functions, their complexity, and
// what stands only in main.
func TestShape(t *testing.T) {
	files := 0
	for _, dir := range []string{".", "../scripts", "../whm-plugin"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			files++
			faults, err := shape(path, nil)
			for _, fault := range faults {
				t.Error(fault)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Fatalf("%d files seen: the test looks in the wrong place", files)
	}
}

// shape lists what is wrong with the shape of a file. src may be nil, and the
// file is read then.
func shape(path string, src any) ([]string, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	more := loose[filepath.ToSlash(filepath.Dir(path))]
	s := &shaped{set: set, test: strings.HasSuffix(path, "_test.go"), main: file.Name.Name == "main", complexity: maxComplexity + more.complexity}
	if s.test {
		s.complexity = maxTestComplexity
	}
	if n, limit := s.line(file.End()), maxFile+more.file; n > limit && !s.test {
		s.fault(file.Pos(), "the file has %d lines, at most %d are wanted", n, limit)
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			s.function(decl)
		case *ast.GenDecl:
			s.documented(decl)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && !s.main && !s.test && calls(sel, "os", "Exit") {
			s.fault(n.Pos(), "os.Exit stands in main alone")
		}
		return true
	})
	return s.faults, nil
}

func calls(sel *ast.SelectorExpr, pkg, name string) bool {
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg && sel.Sel.Name == name
}

// shaped is one file as it is looked at.
type shaped struct {
	set        *token.FileSet
	test, main bool
	complexity int // the limit
	faults     []string
}

func (s *shaped) line(p token.Pos) int { return s.set.Position(p).Line }

func (s *shaped) fault(p token.Pos, format string, args ...any) {
	s.faults = append(s.faults, s.set.Position(p).String()+": "+fmt.Sprintf(format, args...))
}

func (s *shaped) function(f *ast.FuncDecl) {
	name := f.Name.Name
	if name == "init" && f.Recv == nil {
		s.fault(f.Pos(), "an init runs before anybody asked for it")
	}
	if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > maxFunc && !s.test {
		s.fault(f.Pos(), "%s has %d lines, at most %d are wanted", name, n, maxFunc)
	}
	if n := complexity(f); n > s.complexity {
		s.fault(f.Pos(), "%s has the cognitive complexity %d, at most %d is wanted", name, n, s.complexity)
	}
	if !s.test && f.Name.IsExported() && f.Doc == nil && exportedReceiver(f) {
		s.fault(f.Pos(), "%s is exported and not documented", name)
	}
}

// exportedReceiver reports whether a function can be called by its name from
// outside: methods of a type that is not exported are met through interfaces.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	id, ok := of.(*ast.Ident)
	return ok && id.IsExported()
}

// documented wants a comment on each exported type, variable and constant. One
// comment may stand above a group.
func (s *shaped) documented(d *ast.GenDecl) {
	if s.test || d.Doc != nil {
		return
	}
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil && spec.Comment == nil {
				s.fault(spec.Pos(), "%s is exported and not documented", spec.Name.Name)
			}
		case *ast.ValueSpec:
			if spec.Names[0].IsExported() && spec.Doc == nil && spec.Comment == nil && spec.Type != nil {
				s.fault(spec.Pos(), "%s is exported and not documented", spec.Names[0].Name)
			}
		}
	}
}

// complexity gives the cognitive complexity: each break of the straight line
// counts one, and one more for each that it stands in.
//
// Source: G. Ann Campbell, Cognitive Complexity, SonarSource.
func complexity(f *ast.FuncDecl) int {
	sum := 0
	if f.Body != nil {
		ast.Walk(reader{sum: &sum}, f.Body)
	}
	return sum
}

// reader reads as a person does, with what is to be kept in mind.
type reader struct {
	sum *int
	// nesting is in how many breaks this stands.
	nesting int
	// op is the operator that this is an operand of: a row of equal ones is
	// read as one.
	op token.Token
}

// Visit counts one node.
func (r reader) Visit(n ast.Node) ast.Visitor {
	in := reader{sum: r.sum, nesting: r.nesting}
	switch n := n.(type) {
	case *ast.IfStmt:
		*r.sum += 1 + r.nesting
		r.choice(n)
		return nil
	case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		*r.sum += 1 + r.nesting
		in.nesting++
	case *ast.FuncLit:
		in.nesting++
	case *ast.BranchStmt:
		if n.Label != nil {
			*r.sum++
		}
	case *ast.ParenExpr:
		in.op = r.op
	case *ast.BinaryExpr:
		if n.Op == token.LAND || n.Op == token.LOR {
			if n.Op != r.op {
				*r.sum++
			}
			in.op = n.Op
		}
	}
	return in
}

// choice reads the parts of an if that was counted. An else counts one however
// deep it stands.
func (r reader) choice(n *ast.IfStmt) {
	here, in := reader{sum: r.sum, nesting: r.nesting}, reader{sum: r.sum, nesting: r.nesting + 1}
	if n.Init != nil {
		ast.Walk(here, n.Init)
	}
	ast.Walk(here, n.Cond)
	ast.Walk(in, n.Body)
	switch other := n.Else.(type) {
	case *ast.IfStmt:
		*r.sum++
		r.choice(other)
	case *ast.BlockStmt:
		*r.sum++
		ast.Walk(in, other)
	}
}

// TestTheShapeCanFail breaks each limit.
func TestTheShapeCanFail(t *testing.T) {
	for want, src := range map[string]string{
		"the file has":            "package p\n" + strings.Repeat("\n", maxFile) + "var x int\n",
		"f has 81 lines":          "package p\nfunc f() {" + strings.Repeat("\n", maxFunc) + "}\n",
		"an init runs":            "package p\nfunc init() {}\n",
		"os.Exit stands in main":  "package p\nimport \"os\"\nfunc f() { os.Exit(1) }\n",
		"F is exported and":       "package p\nfunc F() {}\n",
		"M is exported and":       "package p\nfunc (T[A]) M() {}\n",
		"T is exported and":       "package p\ntype T int\n",
		"V is exported and":       "package p\nvar V int\n",
		"complexity 16, at most":  "package p\nfunc f(a bool) {" + strings.Repeat("if a {}\n", 16) + "}\n",
		"complexity 21, at most":  "package p\nfunc f() {" + strings.Repeat("for {\n", 6) + strings.Repeat("}", 6) + "}\n",
		"complexity 17, at most":  "package p\nfunc f(a bool) {" + strings.Repeat("if a && a && a || a {}\n", 5) + "if a {} else if a {}}\n",
		"complexity 107, at most": "package p\nfunc f() { func() {" + strings.Repeat("select {default:\n", 13) + strings.Repeat("}", 13) + "; L: for { continue L } }() }\n",
	} {
		faults, err := shape("p.go", src)
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if len(faults) != 1 || !strings.Contains(faults[0], want) {
			t.Errorf("want one fault with %q, got %q", want, faults)
		}
	}
	fine := "package main\nimport \"os\"\n// V is.\nvar V int\nvar (\n// W is.\nW int\n)\ntype t int\nfunc (t) M() { os.Exit(1) }\n"
	if faults, err := shape("p.go", fine); err != nil || len(faults) > 0 {
		t.Errorf("fine: %q, %v", faults, err)
	}
}
