package kernlog

import (
	"encoding/binary"
	"strings"

	"outboundmonitor/backend/outbound"
)

// token is what a field begins with, in at most eight bytes, kept in the form
// in which a processor compares it at one stroke.
type token struct {
	bits, mask uint64
	size       int
	text       string
	// field is the name that faults give.
	field string
}

func tokenOf(text, field string) *token {
	var bits, mask [8]byte
	for i := range copy(bits[:], text) {
		mask[i] = 0xff
	}
	return &token{
		bits: binary.LittleEndian.Uint64(bits[:]), mask: binary.LittleEndian.Uint64(mask[:]),
		size: len(text), text: text, field: field,
	}
}

// begins reports whether the token stands at b[at:].
func (t *token) begins(b []byte, at int) bool {
	if at+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[at:])&t.mask == t.bits
	}
	return t.ends(b, at)
}

// ends is begins, for the last few bytes of a line.
func (t *token) ends(b []byte, at int) bool { return strings.HasPrefix(string(b[at:]), t.text) }

// take steps over the token if it stands here.
func (c *cursor) take(t *token) bool {
	if !t.begins(c.b, c.i) {
		return false
	}
	c.i += t.size
	return true
}

// The tokens of most lines; longer texts are in two.
var (
	tKernel    = tokenOf("kernel: ", "tag")
	tPrefix    = tokenOf(outbound.LogPrefix[:8], "prefix")
	tPrefix2   = tokenOf(outbound.LogPrefix[8:], "prefix")
	tIN        = tokenOf("IN=", "IN")
	tOUT       = tokenOf("OUT=", "OUT")
	tDF        = tokenOf("DF ", "DF")
	tPROTO     = tokenOf("PROTO=", "PROTO")
	tSRC       = tokenOf("SRC=", "SRC")
	tDST       = tokenOf("DST=", "DST")
	tLEN       = tokenOf("LEN=", "LEN")
	tTOS       = tokenOf("TOS=0x", "TOS")
	tPREC      = tokenOf("PREC=0x", "PREC")
	tTTL       = tokenOf("TTL=", "TTL")
	tID        = tokenOf("ID=", "ID")
	tTC        = tokenOf("TC=", "TC")
	tHOPLIMIT  = tokenOf("LIMIT=", "HOPLIMIT")
	tFLOWLBL   = tokenOf("FLOWLBL=", "FLOWLBL")
	tFRAG      = tokenOf("FRAG:", "FRAG")
	tSPT       = tokenOf("SPT=", "SPT")
	tDPT       = tokenOf("DPT=", "DPT")
	tSEQ       = tokenOf("SEQ=", "SEQ")
	tACK       = tokenOf("ACK=", "ACK")
	tWINDOW    = tokenOf("WINDOW=", "WINDOW")
	tRES       = tokenOf("RES=0x", "RES")
	tURGP      = tokenOf("URGP=", "URGP")
	tTYPE      = tokenOf("TYPE=", "TYPE")
	tCODE      = tokenOf("CODE=", "CODE")
	tPARAMETER = tokenOf("ETER=", "PARAMETER")
	tMTU       = tokenOf("MTU=", "MTU")
	tUID       = tokenOf("UID=", "UID")
	tGID       = tokenOf("GID=", "GID")
)
