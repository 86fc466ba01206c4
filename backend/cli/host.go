package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/config"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// host gives the host below --root.
func (a *app) host() (hostfs.Root, error) {
	root, err := hostfs.At(a.rootDir)
	if err != nil {
		return hostfs.Root{}, wrong(fmt.Sprintf("--root %q: no such folder", a.rootDir), "name the folder that holds the host's etc and var")
	}
	return root, nil
}

// setup gives the host with its settings.
func (a *app) setup() (hostfs.Root, config.Config, error) {
	root, err := a.host()
	if err != nil {
		return hostfs.Root{}, config.Config{}, err
	}
	cfg, err := a.load(root)
	return root, cfg, err
}

// load reads the settings. Where nobody named a file there need be none; one
// that was named and is not there is a slip, and the defaults would delete what
// the settings meant to keep.
func (a *app) load(root hostfs.Root) (config.Config, error) {
	if _, err := root.Stat(a.configPath); a.configPath != config.Path && errors.Is(err, fs.ErrNotExist) {
		return config.Config{}, wrong(fmt.Sprintf("--config %q: no such file on the host", a.configPath), "leave --config out for "+config.Path)
	}
	return config.Load(root, a.configPath)
}

// zone gives the time zone in which a person types and reads.
func (a *app) zone() (*time.Location, error) {
	if a.tz != "" {
		zone, err := outbound.ParseZone(a.tz)
		if e, ok := errors.AsType[*outbound.Error](err); ok {
			return nil, wrong("--tz "+e.Message, e.Hint)
		}
		return zone, err
	}
	root, err := a.host()
	if err != nil {
		return nil, err
	}
	zone, err := root.Zone()
	if err != nil {
		return nil, &outbound.Error{Code: outbound.Invalid, Message: "the host's time zone cannot be read", Err: err,
			Hint: "name one, as --tz UTC"}
	}
	return zone, nil
}

// session is a client with what must be closed after it.
type session struct {
	*client.Client
	close func() error
	// local is set if no daemon runs.
	local bool
}

// ask finds who answers: the daemon, or the store opened here.
func (a *app) ask() (session, error) {
	root, err := a.host()
	if err != nil {
		return session{}, err
	}
	rt, err := client.Dial(root)
	if err == nil {
		return session{Client: client.New(rt), close: func() error { return nil }}, nil
	}
	if !errors.Is(err, client.ErrNoDaemon) {
		return session{}, err
	}
	if a.build.Local == nil {
		return session{}, noDaemon("nobody can answer: no daemon runs")
	}
	_, cfg, err := a.setup()
	if err != nil {
		return session{}, err
	}
	rt, closer, err := a.build.Local(root, cfg)
	if err != nil {
		return session{}, err
	}
	return session{Client: client.New(rt), close: closer.Close, local: true}, nil
}

func noDaemon(message string) *outbound.Error {
	return &outbound.Error{Code: outbound.Unavailable, Message: message, Hint: outbound.StartHint}
}

// answer asks one question. With --json it prints the document as it came;
// otherwise show prints it. Both leave into filled in.
func (a *app) answer(ctx context.Context, path string, q url.Values, into any, show func() error) (err error) {
	s, err := a.ask()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var raw json.RawMessage
	if err := s.Get(ctx, path, q, &raw); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return &outbound.Error{Code: outbound.Unavailable, Message: "the answer cannot be read", Err: err,
			Hint: "the command and the daemon may be of different versions: outboundmonitor version"}
	}
	if a.json {
		return a.printJSON(raw)
	}
	return show()
}

// printJSON prints one document: indented for a person, else as it came.
func (a *app) printJSON(raw []byte) error {
	if a.env.IsTerminal(a.env.Stdout) {
		var b bytes.Buffer
		if err := json.Indent(&b, raw, "", "  "); err != nil {
			return err
		}
		raw = b.Bytes()
	}
	if err := copyJSON(a.out, bytes.NewReader(bytes.TrimSpace(raw))); err != nil {
		return err
	}
	return a.out.WriteByte('\n')
}

// printDoc prints a document that is made here.
func (a *app) printDoc(doc any) error {
	raw, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return a.printJSON(raw)
}
