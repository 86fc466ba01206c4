package web

import (
	"net/url"
	"slices"
	"strings"
)

// pageLinks builds every address that a page shows. Under WHM the path travels
// in the query, because a path behind the script's name is not dependable
// there; elsewhere it stands for itself.
type pageLinks struct {
	// base is "" or the script's name.
	base string
	// keep is carried by every link: the zone, and the demo's viewer.
	keep url.Values
}

// to gives the address of a path with parameters; empty ones are left out.
// Values are percent-encoded whole, so no value can end one and begin another.
func (l pageLinks) to(path string, params url.Values) string {
	all := pageMerge(l.keep, params)
	var b strings.Builder
	sep := "?"
	if l.base == "" {
		b.WriteString(path)
	} else {
		b.WriteString(l.base + "?p=" + path)
		sep = "&"
	}
	if q := all.Encode(); q != "" {
		b.WriteString(sep + q)
	}
	return b.String()
}

// pageForm is where a form leads, with what travels beside its own fields: a
// GET form drops the query of its address.
type pageForm struct {
	Action string
	Hidden []pageField
}

type pageField struct{ Name, Value string }

// form gives a form's address and hidden fields.
func (l pageLinks) form(path string, hidden url.Values) pageForm {
	f := pageForm{Action: path}
	if l.base != "" {
		f.Action = l.base
		f.Hidden = append(f.Hidden, pageField{"p", path})
	}
	all := pageMerge(l.keep, hidden)
	for _, k := range pageKeys(all) {
		for _, v := range all[k] {
			f.Hidden = append(f.Hidden, pageField{k, v})
		}
	}
	return f
}

// pageMerge copies the values of each that are not empty; a later one takes
// the place of an earlier one of the same name.
func pageMerge(all ...url.Values) url.Values {
	m := url.Values{}
	for _, vs := range all {
		for k, list := range vs {
			list = slices.DeleteFunc(slices.Clone(list), func(v string) bool { return v == "" })
			if delete(m, k); len(list) > 0 {
				m[k] = list
			}
		}
	}
	return m
}

// pageWith copies v with pairs of name and value set; an empty value removes.
func pageWith(v url.Values, pairs ...string) url.Values {
	set := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		set[pairs[i]] = []string{pairs[i+1]}
	}
	return pageMerge(v, set)
}

func pageKeys(v url.Values) []string {
	var keys []string
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
