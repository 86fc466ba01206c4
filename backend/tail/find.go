package tail

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path"
	"strings"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// csfConf is where csf names the kernel's log; maxConf bounds what is read.
const (
	csfConf = "/etc/csf/csf.conf"
	maxConf = 4 << 20
)

// Find gives the log to follow, and in words how it was found: the configured
// one, whether it exists or not; else the one csf reads; else the usual ones.
// A name may hold a wildcard in any part; the first regular file that matches
// it is meant.
//
// It returns an [outbound.Error] with code NotFound if there is none.
func Find(root hostfs.Root, configured string) (name string, how string, err error) {
	if configured != "" {
		if name, ok := first(root, configured); ok || !wild(configured) {
			return name, "named in the settings", nil
		}
		return "", "", &outbound.Error{
			Code:    outbound.NotFound,
			Message: "no file matches " + configured + ", the log named in the settings",
			Hint:    "name the file that holds the kernel's messages",
		}
	}
	if named := csfLog(root); named != "" {
		if name, ok := first(root, named); ok {
			return name, "named by IPTABLES_LOG in " + csfConf, nil
		}
	}
	for _, usual := range []string{"/var/log/messages", "/var/log/syslog"} {
		if _, err := root.Stat(usual); err == nil {
			return usual, "the usual place", nil
		}
	}
	return "", "", &outbound.Error{
		Code:    outbound.NotFound,
		Message: "no kernel log found: no IPTABLES_LOG in " + csfConf + " that exists, no /var/log/messages, no /var/log/syslog",
		Hint:    "name the log in the settings",
	}
}

func wild(name string) bool { return strings.ContainsAny(name, "*?[") }

// first gives the file that name means, and whether something stands there.
// What stands at a plain name may be no regular file: that is for the follower
// to refuse by name.
func first(root hostfs.Root, name string) (string, bool) {
	name = path.Clean("/" + name)
	if !wild(name) {
		_, err := root.Stat(name)
		return name, err == nil
	}
	found, err := fs.Glob(os.DirFS(root.Path("/")), name[1:])
	if err != nil {
		return "", false
	}
	for _, f := range found {
		if fi, err := root.Stat("/" + f); err == nil && fi.Mode().IsRegular() {
			return "/" + f, true
		}
	}
	return "", false
}

// csfLog gives IPTABLES_LOG of csf.conf, or "". The last line counts.
func csfLog(root hostfs.Root) string {
	data, err := root.ReadFile(csfConf, maxConf)
	if err != nil {
		return ""
	}
	log := ""
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxConf)
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), "=")
		if !ok || strings.TrimSpace(key) != "IPTABLES_LOG" {
			continue
		}
		if v := strings.Trim(strings.TrimSpace(value), `"`); strings.HasPrefix(v, "/") {
			log = v
		}
	}
	return log
}
