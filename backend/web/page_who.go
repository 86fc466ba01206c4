package web

import (
	"context"
	"time"

	"outboundmonitor/backend/outbound"
)

// PagesWho makes PagesOptions.Who of what a Server answers /api/v1/who with, so
// that the question box and the API understand the same words.
func PagesWho(o Options) func(ctx context.Context, s outbound.Scope, target, at, window string, zone *time.Location) (outbound.WhoDoc, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	server := &Server{opts: o}
	return func(ctx context.Context, s outbound.Scope, target, at, reach string, zone *time.Location) (outbound.WhoDoc, error) {
		q := outbound.Question{Mask: !s.All(), Limit: defaultLimit}
		var err error
		if q.At, err = (times{zone, o.Now()}).read("at", at); err != nil {
			return outbound.WhoDoc{}, err
		}
		if q.Window, err = window(reach, at != ""); err != nil {
			return outbound.WhoDoc{}, err
		}
		if q.Prefix, q.Host, err = server.address(ctx, target); err != nil {
			return outbound.WhoDoc{}, err
		}
		return o.Who(ctx, s, q)
	}
}
