// Package config reads the settings in /etc/outboundmonitor/config.toml: what
// each is, its default, and whether the file says something that cannot be
// meant. A file that is not there means the defaults. It changes no file.
package config

import (
	"errors"
	"fmt"
	"io/fs"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// Path is where the settings stand on the host.
const Path = "/etc/outboundmonitor/config.toml"

// maxFile bounds the settings file, in bytes.
const maxFile = 1 << 20

// Config holds the settings. The toml tag of a field is its key; its comment
// tag says in the printed file what the setting does.
type Config struct {
	Log   Log   `toml:"log" json:"log" comment:"Where connections are read from."`
	Store Store `toml:"store" json:"store" comment:"What is kept, and for how long."`
}

// Log is the log that is followed.
type Log struct {
	// Path is absolute, on the host; empty means that it is looked for.
	Path string `toml:"path" json:"path" validate:"omitempty,hostpath" comment:"The file to which syslog writes the kernel's messages. Empty: the one that\ncsf.conf's IPTABLES_LOG names, else /var/log/messages, else /var/log/syslog.\nDefault: \"\""`
}

// Store is how events are kept.
type Store struct {
	// RetentionDays is how long an event is kept.
	RetentionDays int `toml:"retention_days" json:"retention_days" validate:"min=1,max=3650" comment:"For how many days connections are kept, from 1 to 3650; older ones are\ndeleted, day by day.\nDefault: 30"`
	// MaxDisk and MinFree are sizes as people write them: see MaxBytes and
	// FreeBytes.
	MaxDisk string `toml:"max_disk" json:"max_disk" validate:"budget" comment:"What the stored connections may take on disk, in KiB, MiB, GiB or TiB; the\noldest days are deleted first.\nDefault: \"2GiB\""`
	MinFree string `toml:"min_free" json:"min_free" validate:"free" comment:"What must stay free on that disk: a part of it, as \"10%\", or a size from\n\"2GiB\" on. It is never less than 2 GiB. The oldest days are deleted to keep it;\nif that is not enough, nothing is stored until there is room.\nDefault: \"10%\""`
}

// Default gives the settings that hold where the file says nothing.
func Default() Config {
	return Config{
		Store: Store{RetentionDays: 30, MaxDisk: "2GiB", MinFree: "10%"},
	}
}

// Load reads the settings at path on the host. Where there is no file the
// defaults hold; keys that the file leaves out keep theirs.
//
// Errors are [outbound.Error]: Invalid, naming file, line, key and value, or
// NotPermitted if the file may not be read.
func Load(root hostfs.Root, path string) (Config, error) {
	data, err := root.ReadFile(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return Config{}, &outbound.Error{
			Code:    outbound.NotPermitted,
			Message: fmt.Sprintf("%s: only root may read the settings", path),
			Hint:    "run the command as root",
		}
	}
	if err != nil {
		return Config{}, &outbound.Error{
			Code: outbound.Invalid, Message: "the settings cannot be read", Err: err,
			Hint: "the settings are a regular file of at most 1 MiB; without the file the defaults hold",
		}
	}
	return parse(path, data)
}
