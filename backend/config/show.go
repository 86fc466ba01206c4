package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// TOML gives the settings as a file that [Load] reads back to the same, with
// what each does and its default as comments.
func (c Config) TOML() []byte {
	var b bytes.Buffer
	b.WriteString("# Settings of Outbound Monitor. The daemon reads them when it starts.\n\n")
	// A struct of strings and numbers can always be encoded.
	_ = toml.NewEncoder(&b).Encode(c)
	return b.Bytes()
}

// keys lists all settings in the order of the file.
func keys() []string {
	var all []string
	for _, s := range settings(reflect.ValueOf(Default()), "") {
		all = append(all, s.key)
	}
	return all
}

// defaultOf gives the default of a setting as the file would have it.
func defaultOf(key string) string {
	for _, s := range settings(reflect.ValueOf(Default()), "") {
		if s.key == key {
			return s.value
		}
	}
	return ""
}

// setting is one key with its value in TOML.
type setting struct{ key, value string }

func settings(v reflect.Value, prefix string) []setting {
	var all []setting
	for i := range v.NumField() {
		key := prefix + strings.Split(v.Type().Field(i).Tag.Get("toml"), ",")[0]
		switch f := v.Field(i); f.Kind() {
		case reflect.Struct:
			all = append(all, settings(f, key+".")...)
		case reflect.String:
			all = append(all, setting{key, strconv.Quote(f.String())})
		default:
			all = append(all, setting{key, fmt.Sprint(f.Interface())})
		}
	}
	return all
}
