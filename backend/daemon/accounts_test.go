package daemon_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/config"
	"outboundmonitor/backend/daemon"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	whmplugin "outboundmonitor/whm-plugin"
)

// TestAccountsOfARealStoreAreListed asks for the accounts of a log that was
// taken in: a model of the store said more of them than the store did.
func TestAccountsOfARealStoreAreListed(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "testdata", "host", "small"))); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 6, 12, 0, 0, 0, time.UTC)
	h, err := daemon.Open(daemon.Options{Root: root, Config: config.Default(), Plugin: whmplugin.Files, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Open(filepath.Join("..", "..", "testdata", "readme", "messages"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := h.Import(context.Background(), log, outbound.ImportSpec{Name: "messages", FirstYear: 2026}); err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var doc outbound.AccountsDoc
	if err := client.New(daemon.Within(h.Handler())).Get(context.Background(), "/api/v1/accounts", nil, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Accounts) == 0 {
		t.Fatal("no account is listed")
	}
	for _, a := range doc.Accounts {
		if a.Owner == "" || a.Domain == "" || a.Events == 0 {
			t.Errorf("%+v", a)
		}
	}
}
