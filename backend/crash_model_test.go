package backend_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// tallied counts lines by their hash: a long run has millions.
type tallied map[[16]byte]int

func nameOf(line string) [16]byte {
	sum := sha256.Sum256([]byte(line))
	return [16]byte(sum[:16])
}

// readTally counts the lines of events that come as JSON, one a line.
func readTally(t *testing.T, r io.Reader) tallied {
	t.Helper()
	got := tallied{}
	for d := json.NewDecoder(r); ; {
		var e struct{ Line string }
		err := d.Decode(&e)
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got[nameOf(e.Line)]++
	}
}

// total is how many lines were counted, twins each.
func (c tallied) total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// model is the list of our lines that were written, in a file of its own. It
// knows nothing of the program.
type model struct {
	file  *os.File
	out   *bufio.Writer
	lines tallied
}

func newModel(t *testing.T, path string) *model {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &model{file: f, out: bufio.NewWriter(f), lines: tallied{}}
}

func (m *model) add(line string) {
	m.lines[nameOf(line)]++
	_, _ = m.out.WriteString(line + "\n")
}

// difference says how what is stored differs from what was written.
type difference struct {
	lost, twice int
	// examples are the first few, with their place among the lines written.
	examples []string
}

func (d difference) String() string {
	return fmt.Sprintf("%d lost, %d twice\n%s", d.lost, d.twice, strings.Join(d.examples, "\n"))
}

// compare compares multisets. A line that was never written counts as twice.
func (m *model) compare(t *testing.T, got tallied) difference {
	t.Helper()
	var d difference
	wrong := map[[16]byte]string{}
	for line, n := range m.lines {
		if have := got[line]; have != n {
			d.lost += max(0, n-have)
			d.twice += max(0, have-n)
			wrong[line] = fmt.Sprintf("written %d, stored %d", n, have)
		}
	}
	for line, n := range got {
		if m.lines[line] == 0 {
			d.twice += n
			d.examples = append(d.examples, "a line that was never written")
		}
	}
	d.examples = append(d.examples, m.find(t, wrong)...)
	d.examples = d.examples[:min(len(d.examples), 8)]
	return d
}

// find gives lines with what is wrong with them, from the list.
func (m *model) find(t *testing.T, wrong map[[16]byte]string) []string {
	t.Helper()
	if len(wrong) == 0 {
		return nil
	}
	if err := m.out.Flush(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(m.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for i, line := range slices.Collect(strings.Lines(string(data))) {
		line = strings.TrimSuffix(line, "\n")
		if why := wrong[nameOf(line)]; why != "" && len(found) < 8 {
			found = append(found, fmt.Sprintf("%s: line %d: %s", why, i+1, line))
		}
	}
	return found
}
