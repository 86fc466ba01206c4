package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/config"
	"outboundmonitor/backend/cpanel"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/tail"
)

// Finding is one check's end.
type Finding struct {
	Name string
	// OK and Warn are both false for a failure.
	OK, Warn    bool
	Words, Hint string
}

func ok(name, words string) Finding { return Finding{Name: name, OK: true, Words: words} }
func warn(name, words, hint string) Finding {
	return Finding{Name: name, Warn: true, Words: words, Hint: hint}
}
func fail(name, words, hint string) Finding { return Finding{Name: name, Words: words, Hint: hint} }

// Examine checks what can be checked without the daemon's help, in the order
// in which data travels. It changes nothing.
func Examine(ctx context.Context, root hostfs.Root, cfg config.Config, now time.Time) []Finding {
	all := []Finding{zoneCheck(root)}
	all = append(all, logChecks(root, cfg)...)
	all = append(all, kernelChecks(root)...)
	all = append(all, accountsCheck(root, now), daemonCheck(ctx, root, now))
	return append(all, diskCheck(root, cfg), asideCheck(root))
}

// asideCheck looks for day files that were damaged.
func asideCheck(root hostfs.Root) Finding {
	const dir = stateDir + "/events/set-aside"
	entries, err := root.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return ok("day files", "none was found damaged")
	}
	if err != nil {
		return fail("day files", err.Error(), "")
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return warn("day files", "damaged and set aside in "+dir+": "+strings.Join(names, ", "),
		"check the disk, import the logs of these days again, and remove the files: outboundmonitor import FILE...")
}

func zoneCheck(root hostfs.Root) Finding {
	zone, err := root.Zone()
	if err != nil {
		return fail("time zone", err.Error(), "timedatectl set-timezone ZONE")
	}
	return ok("time zone", "stamps without a zone are read as "+zone.String())
}

// maxSample is how much of a log's end is looked at, in bytes.
const maxSample = 1 << 20

func logChecks(root hostfs.Root, cfg config.Config) []Finding {
	path, how, err := tail.Find(root, cfg.Log.Path)
	if err != nil {
		return []Finding{fail("log", err.Error(), "name it in the settings: [log] path")}
	}
	f, err := root.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return []Finding{warn("log", path+" does not exist yet ("+how+")", "it comes with the first message of the kernel; or name another in the settings: [log] path")}
	}
	if err != nil {
		return []Finding{fail("log", err.Error(), "name a regular file in the settings: [log] path")}
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return []Finding{fail("log", err.Error(), "")}
	}
	all := []Finding{ok("log", path+" can be read ("+how+")")}
	if fi.Mode().Perm()&0o004 != 0 {
		all = append(all, warn("log permissions", path+" can be read by every user: customers see each other's connections", "chmod o-r "+path))
	} else {
		all = append(all, ok("log permissions", path+" is closed to other users"))
	}
	end := make([]byte, min(fi.Size(), maxSample))
	n, err := f.ReadAt(end, fi.Size()-int64(len(end)))
	if err != nil && n < len(end) {
		return append(all, fail("log lines", err.Error(), ""))
	}
	return append(all, linesCheck(path, end[:n]))
}

// linesCheck looks for our lines at the end of the log.
func linesCheck(path string, end []byte) Finding {
	good, bad := 0, 0
	var e outbound.Event
	for {
		from, to := kernlog.Next(end)
		if from < 0 {
			break
		}
		if _, err := kernlog.Parse(end[from:to], &e); err == nil {
			good++
		} else {
			bad++
		}
		end = end[to+1:]
	}
	switch {
	case good == 0 && bad == 0:
		return warn("log lines", "no outgoing connection stands in the last part of "+path, "are the rules in csfpost.sh in force? iptables -S OUTPUT")
	case good == 0:
		return fail("log lines", fmt.Sprintf("%d lines bear our prefix and none can be read", bad), "send one to whoever maintains this program")
	}
	return ok("log lines", fmt.Sprintf("%d connections stand in the last part of the log", good))
}

// kernelChecks look at what lets ordinary users read or forge kernel messages.
// They speak of this machine's kernel, so only of the host itself.
func kernelChecks(root hostfs.Root) []Finding {
	if !root.IsHost() {
		return nil
	}
	return []Finding{
		sysctlCheck(root, "kernel.dmesg_restrict", "/proc/sys/kernel/dmesg_restrict", "1", "every user can read the kernel's messages, and so everybody's connections"),
		sysctlCheck(root, "net.netfilter.nf_log_all_netns", "/proc/sys/net/netfilter/nf_log_all_netns", "0", "users can make the kernel log lines of their own choosing"),
	}
}

func sysctlCheck(root hostfs.Root, name, path, want, otherwise string) Finding {
	data, err := root.ReadFile(path, 64)
	if err != nil {
		return warn(name, "cannot be read", "sysctl "+name)
	}
	if got := string(bytes.TrimSpace(data)); got != want {
		return warn(name, "is "+got+": "+otherwise, "sysctl -w "+name+"="+want)
	}
	return ok(name, "is "+want)
}

func accountsCheck(root hostfs.Root, now time.Time) Finding {
	book, err := cpanel.NewBook(cpanel.Options{Root: root, Now: func() time.Time { return now }})
	if err != nil {
		return fail("accounts", err.Error(), "")
	}
	snap, err := book.Current()
	switch {
	case err != nil:
		return fail("accounts", err.Error(), "are /etc/passwd and /var/cpanel/users readable?")
	case snap.Accounts() == 0:
		return warn("accounts", "no cPanel account was found: every user counts as a user of the system", "is this a cPanel server? ls /var/cpanel/users")
	}
	return ok("accounts", fmt.Sprintf("%d cPanel accounts", snap.Accounts()))
}

func daemonCheck(ctx context.Context, root hostfs.Root, now time.Time) Finding {
	rt, err := client.Dial(root)
	if errors.Is(err, client.ErrNoDaemon) {
		return fail("daemon", "is not running: nothing is recorded", outbound.StartHint)
	}
	if err != nil {
		return fail("daemon", err.Error(), outbound.StartHint)
	}
	var doc outbound.StatusDoc
	if err := client.New(rt).Get(ctx, "/api/v1/status", nil, &doc); err != nil {
		return fail("daemon", err.Error(), "look into its own log, and start it again: "+outbound.StartHint)
	}
	switch {
	case !doc.Recording:
		return fail("daemon", doc.Why, "outboundmonitor status")
	case doc.Last == nil:
		return warn("daemon", "runs and has recorded nothing yet", "outboundmonitor status")
	}
	return ok("daemon", "runs; the newest connection is from "+now.Sub(*doc.Last).Round(time.Second).String()+" ago")
}

func diskCheck(root hostfs.Root, cfg config.Config) Finding {
	dir := stateDir
	for dir != "/" {
		if _, err := root.Stat(dir); err == nil {
			break
		}
		dir = path.Dir(dir)
	}
	free, disk := space(root.Path(dir))
	least := cfg.Store.FreeBytes(disk)
	if !root.IsHost() {
		least = config.LeastFree // as in minFree, the share does not hold there
	}
	if free < least {
		return warn("disk", fmt.Sprintf("%d MiB are free below %s, and %d MiB must stay free (min_free): old days are deleted, then nothing is stored", free>>20, dir, least>>20),
			"make room, or keep less of the disk free: [store] min_free in the settings")
	}
	return ok("disk", fmt.Sprintf("%d GiB are free below %s", free>>30, dir))
}
