package cli

import (
	"fmt"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

// whoRows is how many connections the answer lists unless --limit is given:
// the verdict must stay on the screen.
const whoRows = 20

// forged is the warning that stands in the first line of a verdict that rests
// on text alone.
const forged = ", by log text that any local user could have written"

// whoPrinter prints one answer.
type whoPrinter struct {
	*app
	doc  *outbound.WhoDoc
	zone *time.Location
	// rows is how many events are listed at most.
	rows int
}

// print gives the verdict first, then what it rests on, then rows.
func (p whoPrinter) print() {
	p.verdict()
	p.events()
}

// verdict gives the verdict and what it rests on.
func (p whoPrinter) verdict() {
	switch d := p.doc; d.Verdict {
	case outbound.Identified:
		p.one(good, "IDENTIFIED")
	case outbound.Probable:
		p.one(careful, "PROBABLE")
	case outbound.Candidates:
		p.headline(careful, "CANDIDATES", "%s connected to %s%s", outbound.Counted(len(d.Accounts)+len(d.SystemUsers), "user"), p.target(), p.forged())
	case outbound.System:
		p.headline(careful, "SYSTEM", "no customer's account, but %s%s", systemNames(d.SystemUsers), p.forged())
	case outbound.None:
		p.headline(good, "NONE", "nothing connected to %s%s", p.target(), p.around())
	case outbound.NotThisServer:
		p.headline(good, "NOT THIS SERVER", "the addresses asked about are not and were not this server's")
	default:
		p.headline(careful, strings.ToUpper(string(d.Verdict)), "nothing on record to %s%s, and recording was incomplete", p.target(), p.around())
	}
	p.basis()
	p.accounts()
	p.aside()
}

// one prints the verdict that names one account.
func (p whoPrinter) one(colour, word string) {
	if len(p.doc.Accounts) == 0 {
		p.headline(colour, word, "no account is named")
		return
	}
	w := p.doc.Accounts[0]
	p.headline(colour, word, "%s%s", accountWords(w), p.forged())
	p.line("  %s to %s, %s; %s", outbound.Counted(w.Events, "connection"), p.target(), between(w.First, w.Last, p.zone), others(p.doc.Accounts[1:]))
	p.line("  %s; %s", witnessWords(w.Witness), attributionWords(w.Attribution))
}

// others says who is listed below the account that is named.
func others(accounts []outbound.WhoAccount) string {
	named, unnamed := 0, 0
	for _, w := range accounts {
		if w.Account != nil {
			named++
		} else {
			unnamed += w.Events
		}
	}
	words := "no other account"
	if named > 0 {
		words = outbound.Counted(named, "other account") + " below"
	}
	if unnamed > 0 {
		words += "; " + outbound.Counted(unnamed, "connection") + " whose user is not on record, below"
	}
	return words
}

// basis says what the verdict rests on.
func (p whoPrinter) basis() {
	d := p.doc
	if h := d.Query.Host; h != nil {
		p.line("  %s is %s now; at the time it may have been another address", *h, text(d.Query.Address, "not known"))
	}
	p.line("  %s", coverageWords(d.Coverage, p.zone))
	if d.Verdict == outbound.None || d.Verdict == outbound.UnknownAnswer {
		p.line("  watched: %s", d.Coverage.Watched.Words())
	}
	if p.textOnly() {
		p.line("  warning: whoever has a shell here can write such lines into the log; look for a second proof before you act")
	}
}

// textOnly reports whether the best witness of all that the verdict rests on
// is text.
func (p whoPrinter) textOnly() bool {
	word := outbound.Text.String()
	for _, w := range p.doc.Accounts {
		if w.Witness != word {
			return false
		}
	}
	for _, s := range p.doc.SystemUsers {
		if s.Witness != word {
			return false
		}
	}
	return len(p.doc.Accounts)+len(p.doc.SystemUsers) > 0
}

func (p whoPrinter) forged() string {
	if p.textOnly() {
		return forged
	}
	return ""
}

// accounts lists the accounts if there are several, and the system users.
func (p whoPrinter) accounts() {
	if n := len(p.doc.Accounts); n > 1 || n == 1 && p.doc.Verdict == outbound.Candidates {
		p.accountTable(p.doc.Accounts)
	}
	for _, s := range p.doc.SystemUsers {
		about := s.About
		if about != "" {
			about = ": " + about
		}
		p.line("  system user %s (uid %d), %s, %s, %s%s", s.User, s.UID, outbound.Counted(s.Events, "connection"),
			between(s.First, s.Last, p.zone), witnessWords(s.Witness), about)
	}
}

func (p whoPrinter) accountTable(accounts []outbound.WhoAccount) {
	var times []time.Time
	for _, w := range accounts {
		times = append(times, w.First, w.Last)
	}
	c := newClock(p.zone, times)
	t := newTable(left("ACCOUNT"), right("UID"), left("OWNER"), left("DOMAIN"), right("CONNECTIONS"),
		left(c.heading("FIRST")), left("LAST"), left("WITNESS"), left("ATTRIBUTION"))
	for _, w := range accounts {
		t.add(text(w.Account, "unknown"), uidText(w.UID), dash(w.Owner), dash(w.Domain), outbound.Thousands(w.Events),
			c.cell(w.First), c.cell(w.Last), witnessWords(w.Witness), w.Attribution)
	}
	t.print(p.out)
}

// aside tells of lines that had no say.
func (p whoPrinter) aside() {
	if len(p.doc.Unverified) == 0 {
		return
	}
	p.line("Not counted: log lines that could be forged, of a time that a better witness recorded:")
	p.accountTable(p.doc.Unverified)
}

// events lists rows and says how to see the others.
func (p whoPrinter) events() {
	d := p.doc
	shown := d.Events[:min(p.rows, len(d.Events))]
	if len(shown) > 0 {
		p.printRows(shown, p.zone)
	}
	all := 0
	for _, w := range d.Accounts {
		all += w.Events
	}
	for _, w := range d.Unverified {
		all += w.Events
	}
	for _, s := range d.SystemUsers {
		all += s.Events
	}
	switch more := max(all, len(d.Events)) - len(shown); {
	case more > 0:
		p.line("%s more: %s", outbound.Thousands(more), p.asSearch())
	case d.Next != nil:
		p.line("more: %s", p.asSearch())
	}
}

// asSearch gives the command that lists all rows of the question.
func (p whoPrinter) asSearch() string {
	q := p.doc.Query
	words := []string{"outboundmonitor", "search"}
	if p.rootDir != "/" {
		words = append(words, "--root", p.rootDir)
	}
	add := func(flag string, value *string) {
		if value != nil && *value != "" {
			words = append(words, flag, *value)
		}
	}
	add("--dst", q.Address)
	add("--src", q.Src)
	if q.SrcPort != nil {
		words = append(words, "--sport", fmt.Sprint(*q.SrcPort))
	}
	if q.Port != nil {
		words = append(words, "--port", fmt.Sprint(*q.Port))
	}
	if q.At != nil {
		window := time.Duration(q.WindowS) * time.Second
		// The window holds both its ends; --until is where a search stops.
		words = append(words, "--since", q.At.Add(-window).UTC().Format(time.RFC3339), "--until", q.At.Add(window+time.Second).UTC().Format(time.RFC3339))
	}
	return outbound.ShellQuote(append(words, "--limit", "0")...)
}

// target says in words what was asked about.
func (p whoPrinter) target() string {
	q := p.doc.Query
	what := text(q.Address, "any address")
	if q.Host != nil && *q.Host != "" {
		what = *q.Host + " (" + what + ")"
	}
	if q.Port != nil {
		what += fmt.Sprintf(" port %d", *q.Port)
	}
	if q.SrcPort != nil {
		what += fmt.Sprintf(" from our port %d", *q.SrcPort)
	}
	return what
}

func (p whoPrinter) around() string {
	q := p.doc.Query
	if q.At == nil {
		return ""
	}
	return fmt.Sprintf(" within %s of %s", outbound.Length(float64(q.WindowS)), stamp(*q.At, p.zone))
}

// accountWords gives "alice (uid 1043, owner reseller7, example.com)".
func accountWords(w outbound.WhoAccount) string {
	var about []string
	if w.UID != nil {
		about = append(about, "uid "+uidText(w.UID))
	}
	if w.Owner != "" {
		about = append(about, "owner "+w.Owner)
	}
	if w.Domain != "" {
		about = append(about, w.Domain)
	}
	who := text(w.Account, "an account that is not on record")
	if len(about) == 0 {
		return who
	}
	return who + " (" + strings.Join(about, ", ") + ")"
}

func attributionWords(word string) string {
	switch word {
	case outbound.Known.String():
		return "the account had this uid then, by cPanel's own records"
	case outbound.Assumed.String():
		return "no record says since when the account has this uid; no sign of another before it"
	}
	return "no record says who had this uid then"
}

func systemNames(users []outbound.WhoSystem) string {
	var names []string
	for _, s := range users {
		names = append(names, s.User)
	}
	return strings.Join(names, ", ")
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
