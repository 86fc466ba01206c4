package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"

	"outboundmonitor/backend/outbound"
)

// whoAll prints an answer whose rows are all of them, as they come: the API
// gives the events last.
func (a *app) whoAll(ctx context.Context, q url.Values, p whoPrinter) (err error) {
	s, err := a.ask()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	r, err := s.Stream(ctx, "/api/v1/who", q)
	if err != nil {
		return err
	}
	defer r.Close()
	if a.json {
		head := &beginning{}
		err = copyJSON(a.out, io.TeeReader(r, head))
		// What follows the verdict is cut off, which is no fault.
		_, _ = whoHead(json.NewDecoder(head), p.doc, "query")
	} else {
		err = a.whoRows(r, p)
	}
	if err != nil {
		return &outbound.Error{Code: outbound.Unavailable, Message: "the answer broke off; what was printed is a part", Err: err,
			Hint: "narrow the question: --at, --window, --port"}
	}
	return nil
}

// whoRows prints the verdict and what it rests on, then the rows.
func (a *app) whoRows(r io.Reader, p whoPrinter) error {
	d := json.NewDecoder(r)
	found, err := whoHead(d, p.doc, "events")
	if err != nil {
		return err
	}
	p.verdict()
	if !found {
		return nil
	}
	if _, err := d.Token(); err != nil { // [
		return err
	}
	t := &rowTable{app: a, zone: p.zone}
	for more := d.More(); more; {
		var events []outbound.EventDoc
		for len(events) < pageRows && d.More() {
			var e outbound.EventDoc
			if err := d.Decode(&e); err != nil {
				return err
			}
			events = append(events, e)
		}
		more = d.More()
		t.page(events, !more)
	}
	// An answer that broke off has no end.
	for err == nil {
		_, err = d.Token()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// whoHead decodes the fields of a document up to that named last, whose value
// is left to be read. It reports whether there is one.
func whoHead(d *json.Decoder, into *outbound.WhoDoc, last string) (bool, error) {
	if _, err := d.Token(); err != nil { // {
		return false, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil || name == last {
			return err == nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return false, err
		}
		field, err := json.Marshal(map[string]json.RawMessage{fmt.Sprint(name): value})
		if err != nil {
			return false, err
		}
		if err := json.Unmarshal(field, into); err != nil {
			return false, err
		}
	}
	return false, nil
}

// beginning keeps the first bytes that are written.
type beginning struct{ kept []byte }

// maxBeginning is enough for the fields that stand before the question.
const maxBeginning = 4 << 10

func (b *beginning) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), maxBeginning-len(b.kept))]...)
	return len(p), nil
}

func (b *beginning) Read(p []byte) (int, error) {
	n := copy(p, b.kept)
	if b.kept = b.kept[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
