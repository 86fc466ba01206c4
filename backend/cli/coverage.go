package cli

import (
	"time"

	"outboundmonitor/backend/outbound"
)

// coverageWords says for how much of a range everything was recorded.
func coverageWords(c outbound.Coverage, zone *time.Location) string {
	if c.From == nil || c.To == nil {
		return c.Words("")
	}
	return c.Words(" for " + between(*c.From, *c.To, zone))
}
