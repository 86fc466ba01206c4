package demo

import "strconv"

// Noise says which other line a record is.
type Noise uint8

// The lines of other daemons. From ForgedUser on they carry our log prefix in
// a line that is not the kernel's own record, as somebody would write who
// wants to put the blame on UID: none of them is an event.
const (
	NoNoise Noise = iota
	SSHFailed
	SSHInvalid
	SSHClosed
	Session
	Cron
	LFDBlock
	Named
	FTPLogout
	CSFOut
	CSFIn
	ForgedUser
	ForgedTwice
	ForgedMount
	lastNoise = ForgedMount
)

// Forged reports whether the line carries our prefix without being an event.
func (n Noise) Forged() bool { return n >= ForgedUser }

// kinds is how often the honest ones are met: a firewall talks most.
var kinds = []Noise{
	CSFIn, CSFIn, CSFIn, CSFIn, CSFIn, CSFIn, CSFIn, CSFIn, CSFOut, CSFOut, SSHFailed, SSHFailed,
	SSHInvalid, SSHInvalid, SSHClosed, Session, Cron, LFDBlock, Named, FTPLogout,
}

// logins are the names that strangers try over SSH.
var logins = []string{"admin", "test", "oracle", "ubuntu", "postgres", "git", "deploy", "user", "ftpuser", "pi"}

// noise appends what follows the host name. Dst is the address it names, and
// Salt varies the rest.
func (p *Printer) noise(b []byte, r *Record) []byte {
	switch r.Noise {
	case CSFOut, CSFIn, ForgedTwice, ForgedMount:
		return p.kernelNoise(b, r)
	case SSHFailed, SSHInvalid, SSHClosed, ForgedUser:
		return p.sshd(b, r)
	case Session:
		b = append(b, "systemd[1]: Started Session "...)
		b = strconv.AppendUint(b, uint64(r.Salt%900_000), 10)
		return append(b, " of User root."...)
	case Cron:
		b = daemon(b, "systemd", 1)
		b = append(b, "run-php-fpm-"...)
		b = strconv.AppendUint(b, uint64(r.Salt), 16)
		return append(b, ".scope: Succeeded."...)
	case LFDBlock:
		b = daemon(b, "lfd", r.Salt%30_000+900)
		b = append(b, "(sshd) Failed SSH login from "...)
		b = r.Dst.AppendTo(b)
		return append(b, " (ZZ/Unknown/-): 5 in the last 3600 secs - *Blocked in csf* [LF_SSHD]"...)
	case Named:
		b = daemon(b, "named", 1187)
		b = append(b, "client @0x7f"...)
		b = strconv.AppendUint(b, uint64(r.Salt), 16)
		b = append(b, ' ')
		b = r.Dst.AppendTo(b)
		b = append(b, '#')
		b = strconv.AppendUint(b, uint64(r.SrcPort), 10)
		return append(b, " (example.org): query (cache) 'example.org/ANY/IN' denied"...)
	default: // FTPLogout
		b = daemon(b, "pure-ftpd", r.Salt%30_000+900)
		b = append(b, "(?@"...)
		b = r.Dst.AppendTo(b)
		return append(b, ") [INFO] Timeout - try typing a little faster next time"...)
	}
}

// kernelNoise appends what the kernel says that is none of our records.
func (p *Printer) kernelNoise(b []byte, r *Record) []byte {
	b = p.kernel(b, r.Micros)
	switch r.Noise {
	case CSFOut:
		b = append(b, "Firewall: *TCP_OUT Blocked* "...)
		return appendPacket(b, &r.Conn)
	case CSFIn:
		b = append(b, "Firewall: *TCP_IN Blocked* IN=eth0 OUT= MAC=52:54:00:4a:10:0a:52:54:00:4a:10:01:08:00 SRC="...)
		b = appendAddr(b, r.Dst)
		b = append(b, " DST="...)
		b = appendAddr(b, r.Src)
		b = append(b, " LEN=40 TOS=0x00 PREC=0x00 TTL=244 ID="...)
		b = strconv.AppendUint(b, uint64(r.IPID), 10)
		b = append(b, " PROTO=TCP SPT="...)
		b = strconv.AppendUint(b, uint64(r.SrcPort), 10)
		b = append(b, " DPT="...)
		b = strconv.AppendUint(b, uint64(r.Salt%10_000+1), 10)
		return append(b, " WINDOW=1024 RES=0x00 SYN URGP=0 "...)
	case ForgedTwice:
		// Where packets of other network namespaces are logged, a user of one
		// chooses the prefix: it can be a whole record, but IN= comes twice.
		b = appendOurs(b, r)
		return append(b, "XXXXIN= OUT=lo SRC=127.0.0.1 DST=127.0.0.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=9 WINDOW=64240 RES=0x00 SYN URGP=0 "...)
	}
	b = append(b, "overlayfs: failed to resolve '/nonexist#012"...)
	b = appendOurs(b, r)
	return append(b, "': -2"...)
}

// sshd appends a line in which a stranger chose the user name.
func (p *Printer) sshd(b []byte, r *Record) []byte {
	b = daemon(b, "sshd", r.Salt%30_000+900)
	switch r.Noise {
	case SSHClosed:
		b = append(b, "Connection closed by "...)
		b = r.Dst.AppendTo(b)
		b = append(b, " port "...)
		b = strconv.AppendUint(b, uint64(r.SrcPort), 10)
		return append(b, " [preauth]"...)
	case SSHFailed:
		b = append(b, "Failed password for root"...)
	case ForgedUser:
		b = append(b, "Invalid user x kernel: [12345.678901] "...)
		b = appendOurs(b, r)
	default:
		b = append(b, "Failed password for invalid user "...)
		b = append(b, logins[int(r.Salt)%len(logins)]...)
	}
	b = append(b, " from "...)
	b = r.Dst.AppendTo(b)
	b = append(b, " port "...)
	b = strconv.AppendUint(b, uint64(r.SrcPort), 10)
	return append(b, " ssh2"...)
}

func appendOurs(b []byte, r *Record) []byte {
	b = append(b, "CSF-OUTBOUND:"...)
	b = append(b, Label(r.DstPort)...)
	b = append(b, ":=:"...)
	return appendPacket(b, &r.Conn)
}

func daemon(b []byte, tag string, pid uint32) []byte {
	b = append(b, tag...)
	b = append(b, '[')
	b = strconv.AppendUint(b, uint64(pid), 10)
	return append(b, "]: "...)
}
