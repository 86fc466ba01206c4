package web

import (
	"errors"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// How many rows a page can hold.
const (
	defaultLimit = 100
	maxLimit     = 10_000
)

// filter is what all questions about events have in common. Its fields are
// text as it came: what each means is said once, where it is read.
type filter struct {
	Dst     string `query:"dst" validate:"max=128"`
	Src     string `query:"src" validate:"max=128"`
	Account string `query:"account" validate:"max=64"`
	UID     string `query:"uid" validate:"omitempty,number,max=10"`
	Port    string `query:"port" validate:"omitempty,number,max=5"`
	SrcPort string `query:"sport" validate:"omitempty,number,max=5"`
	Rule    string `query:"rule" validate:"omitempty,max=16,printascii"`
	Since   string `query:"since" validate:"max=128"`
	Until   string `query:"until" validate:"max=128"`
	TZ      string `query:"tz" validate:"max=64"`
}

// decoder reads the parameters of a request into structs of strings.
type decoder struct {
	validate *validator.Validate
	zone     *time.Location
	now      func() time.Time
}

func newDecoder(zone *time.Location, now func() time.Time) *decoder {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string { return f.Tag.Get("query") })
	return &decoder{validate: v, zone: zone, now: now}
}

// decode fills into, a pointer to a struct of strings with `query` tags, from
// the request's query. A parameter that is not known, or stands there twice,
// is an error that names it; an empty one is as good as none.
func (d *decoder) decode(c echo.Context, into any) error {
	values, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return &outbound.Error{Code: outbound.Invalid, Message: "the query " + quote(c.Request().URL.RawQuery) + " is damaged"}
	}
	fields := map[string]reflect.Value{}
	tagged(reflect.ValueOf(into).Elem(), fields)
	// In sorted order, so that one request always has one answer.
	for _, name := range slices.Sorted(maps.Keys(values)) {
		field, known := fields[name]
		switch {
		case !known:
			return &outbound.Error{Code: outbound.Invalid, Message: "the parameter " + quote(name) + " is not known here", Hint: "known are " + strings.Join(slices.Sorted(maps.Keys(fields)), ", ")}
		case len(values[name]) > 1:
			return &outbound.Error{Code: outbound.Invalid, Message: "the parameter " + quote(name) + " stands there twice"}
		}
		field.SetString(values[name][0])
	}
	return d.check(into)
}

func tagged(v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			tagged(v.Field(i), into)
			continue
		}
		into[f.Tag.Get("query")] = v.Field(i)
	}
}

// check runs the validator and words its first complaint.
func (d *decoder) check(into any) error {
	err := d.validate.Struct(into)
	if err == nil {
		return nil
	}
	faults, ok := errors.AsType[validator.ValidationErrors](err)
	if !ok || len(faults) == 0 {
		return err
	}
	f := faults[0]
	why := map[string]string{
		"max":        "too long",
		"number":     "not a whole number",
		"printascii": "not a label of a rule",
		"oneof":      "not one of " + strings.ReplaceAll(f.Param(), " ", ", "),
		"required":   "missing",
		"len":        "not of the right length",
	}[f.Tag()]
	value, _ := f.Value().(string)
	return wrong(f.Field(), value, why)
}

// zoneOf gives the zone of what was typed.
func (d *decoder) zoneOf(tz string) (*time.Location, error) {
	if tz == "" {
		return d.zone, nil
	}
	zone, err := outbound.ParseZone(tz)
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		fault := wrong("tz", tz, "not a time zone")
		fault.Hint = e.Hint
		return nil, fault
	}
	return zone, err
}

// times reads points in time in one zone and as of one moment.
type times struct {
	zone *time.Location
	now  time.Time
}

func (d *decoder) times(tz string) (times, error) {
	zone, err := d.zoneOf(tz)
	return times{zone: zone, now: d.now()}, err
}

// read gives the zero time for "".
func (t times) read(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := outbound.ParseTime(text, t.zone, t.now)
	return at, named(name, err)
}

// named puts a parameter's name before an error about its value.
func named(name string, err error) error {
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		return &outbound.Error{Code: e.Code, Message: name + ": " + e.Message, Hint: e.Hint, Err: e.Err}
	}
	return err
}

// query gives the Query that the filter means.
func (f filter) query(t times) (outbound.Query, error) {
	q := outbound.Query{Account: outbound.Username(f.Account), Rule: f.Rule}
	if f.Account != "" && !q.Account.Valid() {
		return q, wrong("account", f.Account, "not a login name")
	}
	if f.UID != "" {
		n, err := strconv.ParseUint(f.UID, 10, 32)
		if err != nil {
			return q, wrong("uid", f.UID, "not a UID")
		}
		q.UID = new(outbound.UID(n))
	}
	if err := f.addresses(&q); err != nil {
		return q, err
	}
	var err error
	if q.Since, err = t.read("since", f.Since); err != nil {
		return q, err
	}
	if q.Until, err = t.read("until", f.Until); err != nil {
		return q, err
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		return q, wrong("until", f.Until, "not after since")
	}
	return q, nil
}

func (f filter) addresses(q *outbound.Query) (err error) {
	if q.Dst, err = target("dst", f.Dst); err != nil {
		return err
	}
	if q.Src, err = target("src", f.Src); err != nil {
		return err
	}
	if q.DstPort, err = port("port", f.Port); err != nil {
		return err
	}
	q.SrcPort, err = port("sport", f.SrcPort)
	return err
}

func target(name, text string) (netip.Prefix, error) {
	if text == "" {
		return netip.Prefix{}, nil
	}
	p, err := outbound.ParseTarget(text)
	return p, named(name, err)
}

func port(name, text string) (uint16, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, wrong(name, text, "not a port, 1 to 65535")
	}
	return uint16(n), nil
}

// limit reads how many rows are asked for; least is 0 where 0 means all.
func limit(text string, otherwise, least int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > maxLimit {
		return 0, wrong("limit", text, "not a number from "+strconv.Itoa(least)+" to "+strconv.Itoa(maxLimit))
	}
	return n, nil
}
