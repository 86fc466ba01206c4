package config

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-playground/validator/v10"
	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"outboundmonitor/backend/outbound"
)

// parse reads the text of the file path over the defaults.
func parse(path string, data []byte) (Config, error) {
	c := Default()
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return Config{}, unreadable(path, data, err)
	}
	if err := validate(path, data, c); err != nil {
		return Config{}, err
	}
	return c, nil
}

// unreadable turns what the decoder says into words with file, line and key.
func unreadable(path string, data []byte, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		first := unknown.Errors[0]
		row, _ := first.Position()
		return &outbound.Error{
			Code:    outbound.Invalid,
			Message: fmt.Sprintf("%s line %d: %s: no such setting", path, row, strings.Join(first.Key(), ".")),
			Hint:    "the settings are " + strings.Join(keys(), ", "),
		}
	}
	var bad *toml.DecodeError
	if !errors.As(err, &bad) {
		return &outbound.Error{Code: outbound.Invalid, Message: path, Err: err, Hint: hintShow}
	}
	row, _ := bad.Position()
	key := strings.Join(bad.Key(), ".")
	why := strings.TrimPrefix(bad.Error(), "toml: ")
	if strings.HasPrefix(why, "cannot decode TOML") && defaultOf(key) != "" {
		// The decoder names the field of the program here.
		why = "not the kind of value that the default has, " + defaultOf(key) + ","
	}
	if key != "" {
		key += ": "
	}
	return &outbound.Error{
		Code:    outbound.Invalid,
		Message: fmt.Sprintf("%s line %d: %s%s in %q", path, row, key, why, lineOf(data, row)),
		Hint:    hintShow,
	}
}

const hintShow = "outboundmonitor config show --default  prints a file that is right"

// lineOf gives line row of the text, counted from 1, without its blanks.
func lineOf(data []byte, row int) string {
	lines := bytes.Split(data, []byte("\n"))
	if row < 1 || row > len(lines) {
		return ""
	}
	return string(bytes.TrimSpace(lines[row-1]))
}

// validate holds each value against its rule.
func validate(path string, data []byte, c Config) error {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string { return f.Tag.Get("toml") })
	for name, rule := range map[string]validator.Func{"hostpath": isHostPath, "budget": isBudget, "free": isFree} {
		if err := v.RegisterValidation(name, rule); err != nil {
			return err
		}
	}
	err := v.Struct(c)
	var faults validator.ValidationErrors
	if !errors.As(err, &faults) {
		return err
	}
	f := faults[0]
	_, key, _ := strings.Cut(f.Namespace(), ".")
	where := path
	if row := rows(data)[key]; row > 0 {
		where += " line " + strconv.Itoa(row)
	}
	value := fmt.Sprint(f.Value())
	if s, ok := f.Value().(string); ok {
		value = strconv.Quote(s)
	}
	return &outbound.Error{
		Code:    outbound.Invalid,
		Message: fmt.Sprintf("%s: %s = %s: %s", where, key, value, rule(f)),
		Hint:    fmt.Sprintf("leave the line out for the default, %s", defaultOf(key)),
	}
}

// isHostPath reports whether a field can name a file of the host: absolute and
// without control characters.
func isHostPath(f validator.FieldLevel) bool {
	s := f.Field().String()
	return len(s) > 1 && s[0] == '/' && strings.IndexFunc(s, unicode.IsControl) < 0
}

// rule says in words what a value must be.
func rule(f validator.FieldError) string {
	switch f.Tag() {
	case "min":
		return "must be at least " + f.Param()
	case "max":
		return "must be at most " + f.Param()
	case "hostpath":
		return "must be the absolute path of a file"
	case "budget":
		return "must be a size of at least 1MiB, such as 500MiB or 2GiB"
	case "free":
		return "must be a part of the disk from 0% to 90%, or a size of at least 2GiB"
	}
	return "must be " + f.Tag() + " " + f.Param()
}

// rows tells in which line each key stands. Text that is no TOML gives what
// precedes the fault.
func rows(data []byte) map[string]int {
	found := map[string]int{}
	var p unstable.Parser
	p.Reset(data)
	table := ""
	for p.NextExpression() {
		node := p.Expression()
		key, row := keyOf(&p, node)
		switch node.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = key + "."
		case unstable.KeyValue:
			found[table+key] = row
		}
	}
	return found
}

// keyOf gives the dotted key of an expression and the line it stands in.
func keyOf(p *unstable.Parser, node *unstable.Node) (string, int) {
	var parts []string
	row := 0
	for it := node.Key(); it.Next(); {
		if row == 0 {
			row = p.Shape(it.Node().Raw).Start.Line
		}
		parts = append(parts, string(it.Node().Data))
	}
	return strings.Join(parts, "."), row
}
