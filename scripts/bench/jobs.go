package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Names of jobs that others are measured against.
const (
	yardstick = "rg -c CSF-OUTBOUND (Y)"
	importJob = "import, durable"
)

// classes are the sorts of addresses that are asked for.
var classes = []string{"absent", "rare", "medium", "frequent"}

// byUID counts connections by UID as people do it with awk.
const byUID = `/CSF-OUTBOUND/ && match($0, /UID=[0-9]+/) { n[substr($0, RSTART, RLENGTH)]++ } END { for (u in n) print n[u], u }`

// plan lists what will be measured; what the machine lacks is named and left
// out.
func (b *bench) plan() {
	log := b.path("messages")
	b.tool("wc -l", "wc", "-l", log)
	// -a, since a log can hold NULs, at which a search would stop.
	b.tool(yardstick, "rg", "-a", "-c", "CSF-OUTBOUND", log)
	b.tool("grep -c CSF-OUTBOUND", "grep", "-a", "-c", "CSF-OUTBOUND", log)
	for _, class := range classes {
		b.tool(grepName(class), "grep", "-a", "-F", b.sampled(class).Address, log)
	}
	rotated, _ := filepath.Glob(b.path("rotated/messages*"))
	rare := b.sampled("rare").Address
	b.tool("zgrep -F IP, 6 .gz + today", "zgrep", append([]string{"-a", "-F", rare}, rotated...)...)
	b.tool("mawk, count by UID", "mawk", byUID, log)

	if _, err := os.Stat(b.bin); err != nil {
		b.missing = append(b.missing, b.bin)
		return
	}
	b.product = true
	b.jobs = append(b.jobs, &job{name: importJob, argv: b.command("--json", "import", log), before: b.clear, sample: true})
	for _, class := range classes {
		a := b.sampled(class)
		b.ask(whoName(class), "who", a.Address, "--json", "--limit", "0")
		b.ask(whoAtName(class), "who", a.Address, "--at", b.at(a), "--json")
	}
}

func grepName(class string) string  { return fmt.Sprintf("grep -F IP, %s", class) }
func whoName(class string) string   { return fmt.Sprintf("who IP --limit 0, %s", class) }
func whoAtName(class string) string { return fmt.Sprintf("who IP --at T, %s", class) }

// tool adds a command of the machine. Status 1 of the greps is "not found".
func (b *bench) tool(name, program string, args ...string) {
	path, err := exec.LookPath(program)
	if err != nil {
		if !slices.Contains(b.missing, program) {
			b.missing = append(b.missing, program)
		}
		return
	}
	b.jobs = append(b.jobs, &job{name: name, argv: append([]string{path}, args...), ok: []int{1}})
}

// ask adds a question to the product, whose exit status is the verdict.
func (b *bench) ask(name string, args ...string) {
	b.jobs = append(b.jobs, &job{name: name, argv: b.command(args...), ok: verdicts})
}

// verdicts are the exit statuses of an answer: none, unknown, candidates.
var verdicts = []int{1, 3, 6}

func (b *bench) command(args ...string) []string {
	return append([]string{b.bin, "--root", b.path("host")}, args...)
}

func (b *bench) state() string { return b.path("host/var/lib/outboundmonitor") }

// clear removes the store, so that each import begins with nothing.
func (b *bench) clear() error { return os.RemoveAll(b.state()) }

// rounds runs each job once a round, side by side. The log is read once before,
// so that the first job finds it cached like the others.
func (b *bench) rounds() error {
	warm := job{name: "warm-up", argv: []string{"cat", b.path("messages")}}
	if err := warm.measure(); err != nil {
		return err
	}
	for i := range b.runs {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", i+1, b.runs)
		for _, j := range b.jobs {
			if err := j.measure(); err != nil {
				return err
			}
		}
	}
	return nil
}

// job gives the job of this name, or nil.
func (b *bench) job(name string) *job {
	i := slices.IndexFunc(b.jobs, func(j *job) bool { return j.name == name })
	if i < 0 {
		return nil
	}
	return b.jobs[i]
}
