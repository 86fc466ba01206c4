// Package whmplugin holds the files that WHM shows: templates and assets. It
// holds files alone; whoever draws them is handed them as a file system.
package whmplugin

import "embed"

// Files holds templates/ and assets/. They are embedded here because go:embed
// cannot reach a parent folder.
//
//go:embed templates assets
var Files embed.FS
