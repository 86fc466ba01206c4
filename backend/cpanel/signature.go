package cpanel

import (
	"io/fs"
	"syscall"
	"time"
)

// The files that tell who is who, as host paths.
const (
	passwdFile    = "/etc/passwd"
	loginDefs     = "/etc/login.defs"
	ownersFile    = "/etc/trueuserowners"
	domainsFile   = "/etc/trueuserdomains"
	wwwacctFile   = "/etc/wwwacct.conf"
	zoneFile      = "/etc/localtime"
	usersDir      = "/var/cpanel/users"
	suspendedDir  = "/var/cpanel/suspended"
	resellersFile = "/var/cpanel/resellers"
	accountingLog = "/var/cpanel/accounting.log"
	mainIPFile    = "/var/cpanel/mainip"
	cpnatFile     = "/var/cpanel/cpnat"
)

// watched is what is looked at to see whether anything changed. The files in
// usersDir are not: cPanel changes them under a lock file in that folder,
// which changes the folder's own time.
var watched = [...]string{
	passwdFile, loginDefs, ownersFile, domainsFile, wwwacctFile, zoneFile,
	usersDir, suspendedDir, resellersFile, accountingLog, mainIPFile, cpnatFile,
}

// signature tells one state of a file from another. The zero value is that of
// a file that does not exist.
type signature struct {
	dev, ino     uint64
	size         int64
	mtime, ctime int64 // nanoseconds
	// unsettled is set for a file that changed so short a time ago that it can
	// change again within the same tick of its times. It never equals.
	unsettled int64
}

// tick is more than the granularity of file times: the kernel takes them from
// a clock that moves every 1 to 10 ms.
//
// Source: current_time() in Linux fs/inode.c.
const tick = 20 * time.Millisecond

func signatureOf(fi fs.FileInfo) signature {
	s := signature{size: fi.Size(), mtime: fi.ModTime().UnixNano()}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		s.dev, s.ino = uint64(st.Dev), st.Ino
		s.ctime = st.Ctim.Sec*1e9 + st.Ctim.Nsec
	}
	return s
}

// settled marks the signature if the file's times are as young as at, the
// moment before it was looked at, so that the next look differs. Times further
// ahead come from a clock that was set back, and would never settle.
func (s signature) settled(at int64) signature {
	if young := max(s.mtime, s.ctime) - at; young > -int64(tick) && young < int64(tick) {
		s.unsettled = at
	}
	return s
}

// signatures are those of all watched files.
type signatures [len(watched)]signature

// look takes the signatures of all watched files, and tells the moment before
// it did by the clock of file times, which is not the Book's.
func (b *Book) look() (all signatures, at int64) {
	at = time.Now().UnixNano()
	for i, name := range watched {
		if fi, err := b.root.Stat(name); err == nil {
			all[i] = signatureOf(fi)
		}
	}
	return all, at
}

// settled marks each signature that is too young to be trusted.
func (s signatures) settled(at int64) signatures {
	for i := range s {
		s[i] = s[i].settled(at)
	}
	return s
}
