package kernlog_test

import (
	"bytes"
	"strings"
	"testing"

	"outboundmonitor/backend/kernlog"
)

func TestNextFindsWholeLinesOfOurs(t *testing.T) {
	ours, noise := head+p22+body, "Nov  5 02:11:03 web01 sshd[1]: noise"
	for name, c := range map[string]struct{ data, line string }{
		"nothing":                    {"", ""},
		"noise alone":                {noise + "\n", ""},
		"the first line":             {ours + "\n" + noise + "\n", ours},
		"after noise":                {noise + "\n" + noise + "\n" + ours + "\n", ours},
		"not yet ended":              {noise + "\n" + ours, ""},
		"a prefix cut off":           {noise + "\n" + head + "CSF-OUTBOUN\n", ""},
		"another program's message":  {noise + " kernel: " + ours + "\n", noise + " kernel: " + ours},
		"the first of two":           {ours + "\n" + head + "\n", ours},
		"the prefix begins the line": {"\n" + p22 + "\n", p22},
		"a line with '\\r' keeps it": {ours + "\r\n", ours + "\r"},
	} {
		from, to := kernlog.Next([]byte(c.data))
		if c.line == "" {
			if from != -1 || to != -1 {
				t.Errorf("%s: %d, %d", name, from, to)
			}
			continue
		}
		if from < 0 || c.data[from:to] != c.line {
			t.Errorf("%s: %d, %d", name, from, to)
		}
	}
}

func TestNextWalksAChunk(t *testing.T) {
	var b strings.Builder
	for i := range 100 {
		b.WriteString("Nov  5 02:11:03 web01 sshd[1]: noise\n")
		if i%3 == 0 {
			b.WriteString(head + p22 + body + "\n")
		}
	}
	data, n := []byte(b.String()), 0
	for {
		from, to := kernlog.Next(data)
		if from < 0 {
			break
		}
		if string(data[from:to]) != head+p22+body {
			t.Fatalf("%q", data[from:to])
		}
		data, n = data[to+1:], n+1
	}
	if n != 34 {
		t.Errorf("%d lines, want 34", n)
	}
}

func BenchmarkNext(b *testing.B) {
	noise := bytes.Repeat([]byte("Nov  5 02:11:03 web01 CROND[123]: (root) CMD (/usr/local/bin/check >/dev/null 2>&1)\n"), 3000)
	b.SetBytes(int64(len(noise)))
	b.Run("Next", func(b *testing.B) {
		b.SetBytes(int64(len(noise)))
		for b.Loop() {
			kernlog.Next(noise)
		}
	})
	b.Run("bytes.Index", func(b *testing.B) {
		b.SetBytes(int64(len(noise)))
		for b.Loop() {
			bytes.Index(noise, []byte("CSF-OUTBOUND:"))
		}
	})
}
