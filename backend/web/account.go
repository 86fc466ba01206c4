package web

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// accountTargets is how many targets an account's story names.
const accountTargets = 20

type accountParams struct {
	Name  string `query:"name" validate:"required,max=64"`
	Since string `query:"since" validate:"max=128"`
	Until string `query:"until" validate:"max=128"`
	TZ    string `query:"tz" validate:"max=64"`
}

// account answers one account's story. A name that is not the viewer's gets
// the answer of a name that nobody has.
func (s *Server) account(c echo.Context) error {
	var p accountParams
	if err := s.params.decode(c, &p); err != nil {
		return err
	}
	t, err := s.params.times(p.TZ)
	if err != nil {
		return err
	}
	q, err := filter{Account: p.Name, Since: p.Since, Until: p.Until}.query(t)
	if err != nil {
		return renamed(err, p.Name)
	}
	lives := accountLives(s.opts.Directory, viewerOf(c).Scope, q.Account)
	about := ""
	if len(lives) == 0 {
		// A system user has no lives; a range without events must not make an
		// account unknown either, so that the whole history decides.
		had, err := s.opts.Reader.Groups(c.Request().Context(), viewerOf(c).Scope, outbound.Query{Account: q.Account}, outbound.ByAccount, 1)
		if err != nil {
			return err
		}
		if len(had) == 0 {
			return noSuch("account", p.Name)
		}
		if w := had[0].Who; w != nil && w.Kind == outbound.SystemUser {
			about = s.opts.Directory.About(q.Account)
		}
	}
	doc, err := s.story(c, q, lives)
	if err != nil {
		return err
	}
	doc.About = about
	v := viewerOf(c)
	s.opts.Logger.Info("account looked at", "viewer", string(v.Name), "via", v.Via, "account", p.Name)
	return writeJSON(c, http.StatusOK, doc)
}

// renamed words an error about account for the parameter name.
func renamed(err error, name string) error {
	if name != "" && !outbound.Username(name).Valid() {
		return wrong("name", name, "not a login name")
	}
	return err
}

// accountLives gives the instances of a name that the scope can see.
func accountLives(d Directory, scope outbound.Scope, name outbound.Username) []outbound.AccountLife {
	all := []outbound.AccountLife{}
	for _, life := range d.Lives(name) {
		who := &outbound.Who{Kind: outbound.CPanelAccount, Instance: life.Instance, User: name, Attribution: outbound.Assumed}
		if !scope.MaySee(who) {
			continue
		}
		doc := outbound.AccountLife{UID: uint32(life.UID), Owner: string(life.Owner), Domain: life.Domain}
		if life.Begin != 0 {
			doc.Begin = new(time.Unix(life.Begin, 0).UTC())
		}
		if !life.End.IsZero() {
			doc.End, doc.RenamedTo = new(life.End.UTC()), string(life.After)
		}
		// What it was called before it was the viewer's is not his.
		if life.Before != "" && !life.Named.Before(scope.From(who)) {
			doc.RenamedFrom, doc.RenamedAt = string(life.Before), new(life.Named.UTC())
		}
		all = append(all, doc)
	}
	return all
}

// story counts the account's events in three ways. The hours are all there
// are, so that their sum is the count.
func (s *Server) story(c echo.Context, q outbound.Query, lives []outbound.AccountLife) (outbound.AccountDoc, error) {
	doc := outbound.AccountDoc{Schema: outbound.SchemaAccount, Account: string(q.Account), Lives: lives}
	for _, part := range []struct {
		by    outbound.GroupBy
		limit int
		into  *[]outbound.GroupDoc
	}{
		{outbound.ByPort, accountTargets, &doc.Ports},
		{outbound.ByDst, accountTargets, &doc.Targets},
		{outbound.ByHour, 0, &doc.Hours},
	} {
		groups, err := s.opts.Reader.Groups(c.Request().Context(), viewerOf(c).Scope, q, part.by, part.limit)
		if err != nil {
			return doc, err
		}
		*part.into = groupDocs(groups)
	}
	for _, hour := range doc.Hours {
		doc.Events += hour.Events
		if doc.First == nil || hour.First.Before(*doc.First) {
			doc.First = new(hour.First)
		}
		if doc.Last == nil || hour.Last.After(*doc.Last) {
			doc.Last = new(hour.Last)
		}
	}
	var err error
	doc.Coverage, err = s.coverage(c, q)
	return doc, err
}

type accountsParams struct {
	Since string `query:"since" validate:"max=128"`
	Until string `query:"until" validate:"max=128"`
	TZ    string `query:"tz" validate:"max=64"`
}

// accounts lists the cPanel accounts that have events.
func (s *Server) accounts(c echo.Context) error {
	var p accountsParams
	if err := s.params.decode(c, &p); err != nil {
		return err
	}
	t, err := s.params.times(p.TZ)
	if err != nil {
		return err
	}
	q, err := filter{Since: p.Since, Until: p.Until}.query(t)
	if err != nil {
		return err
	}
	doc := outbound.AccountsDoc{Schema: outbound.SchemaAccounts}
	if doc.Accounts, err = s.accountRows(c.Request().Context(), viewerOf(c).Scope, q); err != nil {
		return err
	}
	if doc.Coverage, err = s.coverage(c, q); err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, doc)
}

func (s *Server) accountRows(ctx context.Context, scope outbound.Scope, q outbound.Query) ([]outbound.AccountRow, error) {
	groups, err := s.opts.Reader.Groups(ctx, scope, q, outbound.ByAccount, 0)
	rows := []outbound.AccountRow{}
	for _, g := range groups {
		if g.Who.Account() == "" || g.Who.Attribution == outbound.Unknown {
			continue
		}
		rows = append(rows, outbound.AccountRow{
			Account: string(g.Who.User), UID: uint32(g.Who.UID), Owner: string(g.Who.Owner), Domain: g.Who.Domain,
			Events: g.Events, First: g.First.UTC(), Last: g.Last.UTC(),
		})
	}
	return rows, err
}
