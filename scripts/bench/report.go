package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

const mib = 1 << 20

// report is one table in Markdown, with the machine that it was made on.
func (b *bench) report(now time.Time) string {
	var w strings.Builder
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	fmt.Fprintf(&w, "Measured on %s: %d cores, Linux %s, %s. Medians of %d rounds.\n", now.UTC().Format(time.DateOnly),
		runtime.NumCPU(), strings.TrimSpace(string(kernel)), runtime.Version(), b.runs)
	fmt.Fprintf(&w, "Corpus: %d bytes, %d lines, %d events, %d remote addresses, %s stamps, seed %d.\n\n",
		b.sum.Bytes, b.sum.Lines, b.sum.Events, b.sum.Addresses, b.sum.Format, b.sum.Seed)
	w.WriteString("| what | CPU s | wall s | CPU ratio to Y | goal | reached |\n|---|---|---|---|---|---|\n")
	y := b.job(yardstick)
	for _, j := range b.jobs {
		goal, reached := b.goal(j, y)
		over := "-"
		if y != nil {
			over = fmt.Sprintf("%.3g", ratio(j, y, cpu))
		}
		fmt.Fprintf(&w, "| %s | %.3f | %.3f | %s | %s | %s |\n", j.name, middle(j.seen, cpu), middle(j.seen, wall), over, goal, reached)
	}
	if b.product {
		b.figures(&w)
	}
	if len(b.missing) > 0 {
		fmt.Fprintf(&w, "\nNot on this machine, so left out: %s.\n", strings.Join(b.missing, ", "))
	}
	return w.String()
}

// figures adds what is not a time.
func (b *bench) figures(w *strings.Builder) {
	im := b.job(importJob)
	anon := middle(im.seen, func(f figures) float64 { return float64(f.rssAnon) / mib })
	rss := middle(im.seen, func(f figures) float64 { return float64(f.maxRSS) / mib })
	fmt.Fprintf(w, "| import, RssAnon: %.1f MiB | | | | <= 64 MiB | %s |\n", anon, yes(anon > 0 && anon <= 64))
	fmt.Fprintf(w, "| import, max RSS: %.1f MiB | | | | | |\n", rss)
	limit := 14.0
	if b.sum.Format != "traditional" {
		limit = 16
	}
	each := float64(b.store.bytes) / float64(max(b.store.events, 1))
	fmt.Fprintf(w, "| store: %s bytes an event | | | | <= %g | %s |\n", perEvent(b.store.bytes, b.store.events), limit, yes(b.store.events > 0 && each <= limit))
	fmt.Fprintf(w, "| exact answers: %d of %d | | | | all | %s |\n", b.checked, len(b.sample), yes(b.checked == len(b.sample)))
}

// goal gives a job's goal of the design, and whether it was reached. A ratio
// of 0 means that nothing was measured, which reaches nothing.
func (b *bench) goal(j, y *job) (goal, reached string) {
	if j.name == importJob && y != nil {
		r := ratio(j, y, cpu)
		if r > 0 && r <= 5 {
			return "<= 8 x Y, stretch 5 x", "yes, the stretch"
		}
		return "<= 8 x Y, stretch 5 x", yes(r > 0 && r <= 8)
	}
	for _, class := range classes {
		if grep := b.job(grepName(class)); j.name == whoAtName(class) && grep != nil {
			r := ratio(j, grep, wall)
			return "wall <= 0.03 x grep -F IP", fmt.Sprintf("%s (%.4f)", yes(r > 0 && r <= 0.03), r)
		}
	}
	return "", ""
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
