package cli

import (
	"io"
	"strings"
	"unicode/utf8"
)

// table is rows under a heading, each column as wide as its widest cell.
type table struct {
	head  []column
	rows  [][]string
	width []int
}

// column is the heading of one; numbers stand to the right.
type column struct {
	name  string
	right bool
}

func left(name string) column  { return column{name: name} }
func right(name string) column { return column{name: name, right: true} }

func newTable(head ...column) *table {
	t := &table{head: head, width: make([]int, len(head))}
	for i, c := range head {
		t.width[i] = utf8.RuneCountInString(c.name)
	}
	return t
}

// add takes a row; each cell passes visible.
func (t *table) add(cells ...string) {
	row := make([]string, len(t.head))
	for i := range row {
		row[i] = visible(cells[i])
		t.width[i] = max(t.width[i], utf8.RuneCountInString(row[i]))
	}
	t.rows = append(t.rows, row)
}

// roomFor widens the columns for cells like these, of rows to come.
func (t *table) roomFor(cells ...string) {
	t.add(cells...)
	t.rows = t.rows[:len(t.rows)-1]
}

// print writes the heading and all rows.
func (t *table) print(w io.Writer) {
	t.printHead(w)
	t.printRows(w)
}

func (t *table) printHead(w io.Writer) {
	names := make([]string, len(t.head))
	for i, c := range t.head {
		names[i] = c.name
	}
	t.printRow(w, names)
}

// printRows writes the rows and forgets them: what comes later stands under
// the same heading.
func (t *table) printRows(w io.Writer) {
	for _, row := range t.rows {
		t.printRow(w, row)
	}
	t.rows = t.rows[:0]
}

func (t *table) printRow(w io.Writer, cells []string) {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		pad := strings.Repeat(" ", t.width[i]-utf8.RuneCountInString(cell))
		if t.head[i].right {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
	}
	_, _ = io.WriteString(w, strings.TrimRight(b.String(), " ")+"\n")
}
