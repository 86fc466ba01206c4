// Package backend_test proves the shape of the house: who may import whom.
package backend_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "outboundmonitor/"

// ground may be imported by every room; roof may import every room.
var (
	ground = []string{"outbound", "hostfs"}
	roof   = []string{"daemon", "cli", "cmd/outboundmonitor"}
)

// TestRoomsImportTheGroundAlone parses the import clauses itself: what `go
// list` says is cached by `go test`, and a forbidden import was missed.
func TestRoomsImportTheGroundAlone(t *testing.T) {
	rooms := 0
	comments := map[string]int{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		room := filepath.ToSlash(filepath.Dir(path))
		test := strings.HasSuffix(path, "_test.go")
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rooms++
		if !test {
			comments[room] += min(1, len(file.Doc.Text()))
		}
		for _, imp := range imports(file) {
			if why := forbidden(room, imp, test); why != "" {
				t.Errorf("%s imports %s: %s", path, imp, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if rooms < 2 {
		t.Fatal("no files seen: the test looks in the wrong place")
	}
	for room, n := range comments {
		if n != 1 {
			t.Errorf("%s has %d package comments, want 1", room, n)
		}
	}
}

func imports(file *ast.File) []string {
	var all []string
	for _, imp := range file.Imports {
		all = append(all, strings.Trim(imp.Path.Value, `"`))
	}
	return all
}

// forbidden says why room may not import path, or "". Tests of a room may
// import that room; tests of the ground may import nothing more.
func forbidden(room, path string, test bool) string {
	ours, isOurs := strings.CutPrefix(path, module)
	if !isOurs {
		if slices.Contains(ground, room) && !test && strings.Contains(strings.Split(path, "/")[0], ".") {
			return "the ground rests on the standard library alone"
		}
		return ""
	}
	if slices.Contains(roof, room) || room == "." {
		return ""
	}
	target := strings.TrimPrefix(ours, "backend/")
	if test && target == room {
		return ""
	}
	if slices.Contains(ground, target) && (!slices.Contains(ground, room) || target == "outbound") {
		return ""
	}
	return "a room knows the ground and none of its neighbours"
}

// TestTheRuleCanFail breaks the rule in each way.
func TestTheRuleCanFail(t *testing.T) {
	for _, c := range []struct{ room, path string }{
		{"store", module + "backend/kernlog"},
		{"outbound", "go.etcd.io/bbolt"},
		{"outbound", module + "backend/hostfs"},
		{"outbound", module + "backend/store"},
		{"web", module + "whm-plugin"},
	} {
		if forbidden(c.room, c.path, false) == "" {
			t.Errorf("%s may import %s", c.room, c.path)
		}
	}
}
