package web

import (
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageCoverage is what an answer says of itself: how much was recorded.
type pageCoverage struct {
	Complete bool
	// Words are a sentence without its full stop; Short is for little room.
	Words, Short string
	// Watched says what the rules record: what an empty answer rests on.
	Watched string
}

// pageCovered words a coverage; where names its range, as " for that time".
func pageCovered(c outbound.Coverage, where string) pageCoverage {
	return pageCoverage{c.Complete, c.Words(where), c.Short(), "watched: " + c.Watched.Words()}
}

func pageSeconds(s float64) string { return pageSpan(time.Duration(s * float64(time.Second))) }

// pageWitness is how an event was recorded, in words and as a class.
type pageWitness struct {
	Words, Class string
	// Forgeable: somebody with a shell could have written it.
	Forgeable bool
}

func pageWitnessed(word string) pageWitness {
	for _, w := range []outbound.Witness{outbound.Kernel, outbound.Keyed} {
		if w.String() == word {
			return pageWitness{w.Words(), word, false}
		}
	}
	return pageWitness{outbound.Text.Words(), outbound.Text.String(), true}
}

// pagePortNames are the services that people call by name.
var pagePortNames = map[string]string{
	"21": "FTP", "22": "SSH", "23": "Telnet", "25": "SMTP", "53": "DNS", "80": "HTTP", "110": "POP3", "143": "IMAP", "443": "HTTPS", "465": "SMTPS",
	"587": "submission", "993": "IMAPS", "995": "POP3S", "1433": "SQL Server", "3306": "MySQL", "3389": "RDP", "5432": "PostgreSQL", "6379": "Redis", "6667": "IRC",
}

// pagePort gives "port 22", with the service where it has a well-known name.
func pagePort(port string) (label, service string) {
	if port == "other" {
		return "other ports", ""
	}
	return "port " + port, pagePortNames[port]
}

// pageUID names a user by the UID alone.
func pageUID(uid *uint32) string {
	if uid == nil {
		return "no UID"
	}
	return "uid " + pageUIDNumber(*uid)
}

// pageUIDNumber is a UID where a label says what it is.
func pageUIDNumber(uid uint32) string { return strconv.FormatUint(uint64(uid), 10) }
