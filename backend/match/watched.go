package match

import (
	"slices"
	"strconv"
	"strings"

	"outboundmonitor/backend/outbound"
)

// watched reports whether the rules would have recorded every connection that
// the question is about. A question without a port is about all of them; UDP
// is not asked about until a question can name a protocol.
func watched(q Question, w outbound.Watched) bool {
	return watchedPort(q.Port, w.TCP) && watchedFamily(q, w.Families)
}

// watchedPort reads the ports as in "21,22,80,443" or "all".
func watchedPort(port uint16, tcp string) bool {
	if tcp == "all" {
		return true
	}
	return port != 0 && slices.Contains(strings.Split(tcp, ","), strconv.Itoa(int(port)))
}

func watchedFamily(q Question, families []int) bool {
	if !q.Prefix.IsValid() {
		return len(families) > 1
	}
	if q.Prefix.Addr().Is4() {
		return slices.Contains(families, 4)
	}
	return slices.Contains(families, 6)
}
