package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/cli"
	"outboundmonitor/backend/outbound"
)

// daemon answers on the socket of a new host until the test ends.
func daemon(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(root+"/run/outboundmonitor", 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(root + "/run/outboundmonitor")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	l, err := net.Listen("unix", fmt.Sprintf("/proc/self/fd/%d/api.sock", dir.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return root
}

// flow3 is three events of which the second is the first one's retransmission.
func flow3() []outbound.EventDoc {
	alice, uid := "alice", uint32(1043)
	e := func(seconds int, sport uint16) outbound.EventDoc {
		return outbound.EventDoc{ID: fmt.Sprint(seconds), Time: now.Add(time.Duration(seconds) * time.Second), Account: &alice, UID: &uid,
			Src: "192.0.2.10", SrcPort: sport, Dst: "203.0.113.22", DstPort: 22, Proto: "tcp", Witness: "kernel"}
	}
	return []outbound.EventDoc{e(0, 50001), e(1, 50001), e(2, 50002)}
}

// follow runs live on answers that hold these batches; the person interrupts
// it when all were given.
func follow(t *testing.T, batches [][]outbound.EventDoc, args ...string) (status int, out, complaints string, asked []url.Values) {
	t.Helper()
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	root := daemon(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query())
		n := len(asked)
		if n > len(batches) {
			interrupt()
			<-r.Context().Done()
			return
		}
		_ = json.NewEncoder(w).Encode(outbound.LiveDoc{Schema: outbound.SchemaLive, Events: batches[n-1], After: fmt.Sprint("cursor", n)})
	})
	var o, c bytes.Buffer
	status = cli.Main(ctx, append([]string{"--root", root, "--tz", "UTC", "live"}, args...), cli.Env{
		Stdout: &o, Stderr: &c, IsTerminal: func(io.Writer) bool { return false },
		Now: func() time.Time { return now }, Getenv: func(string) string { return "" },
	}, build())
	return status, o.String(), c.String(), asked
}

func TestLiveGoesOnWhereItStopped(t *testing.T) {
	all := flow3()
	status, out, complaints, asked := follow(t, [][]outbound.EventDoc{all[:1], {}, all[1:]}, "--port", "22")
	if status != 0 || complaints != "" {
		t.Errorf("status %d: %s", status, complaints)
	}
	var after []string
	for _, q := range asked {
		after = append(after, q.Get("after"))
		// The first question is where now is, and not waited for.
		if q.Get("port") != "22" || q.Has("wait") != q.Has("after") {
			t.Errorf("asked %v", q)
		}
	}
	if want := []string{"", "cursor1", "cursor2", "cursor3"}; !slices.Equal(after, want) {
		t.Errorf("asked after %q, want %q", after, want)
	}
	// The retransmission comes in a later answer and is not shown.
	if strings.Count(out, "50001") != 1 || strings.Count(out, "50002") != 1 || strings.Count(out, "TIME") != 1 {
		t.Errorf("printed\n%s", out)
	}
}

func TestLiveGivesEachEventAsJSON(t *testing.T) {
	for _, form := range []string{"--jsonl", "--json"} {
		_, out, _, _ := follow(t, [][]outbound.EventDoc{flow3()}, form)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if len(lines) != 3 {
			t.Errorf("%s: %d lines:\n%s", form, len(lines), out)
		}
		for _, line := range lines {
			var e outbound.EventDoc
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.Src != "192.0.2.10" {
				t.Errorf("%s: %q: %v", form, line, err)
			}
		}
	}
}

func TestLiveEndsWithTheDaemon(t *testing.T) {
	root := daemon(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	var o, c bytes.Buffer
	status := cli.Main(context.Background(), []string{"--root", root, "live"}, cli.Env{
		Stdout: &o, Stderr: &c, IsTerminal: func(io.Writer) bool { return false },
		Now: func() time.Time { return now }, Getenv: func(string) string { return "" },
	}, build())
	if status != 4 || !strings.Contains(c.String(), "the daemon does not answer") {
		t.Errorf("status %d: %s", status, c.String())
	}
}
