package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
)

// pageAsset is one file that a page loads.
type pageAsset struct {
	content []byte
	kind    string
	hash    string
}

// pageKinds are the assets that are served, by the end of their names. A file
// of another kind is a mistake in the build and stops the start.
var pageKinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".png": "image/png",
}

// pageAssets reads all assets into memory, keyed by their address. A request
// is looked up in this table, so no name can lead out of it.
func pageAssets(files fs.FS) (map[string]pageAsset, error) {
	all := map[string]pageAsset{}
	err := fs.WalkDir(files, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kind, ok := pageKinds[path.Ext(name)]
		if !ok {
			return fmt.Errorf("web: asset %q is of no kind that is served", name)
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		all["/"+name] = pageAsset{content, kind, hex.EncodeToString(sum[:6])}
		return nil
	})
	return all, err
}

// asset serves one file. Its address carries a hash of the content, so that
// it may be kept for long and is still fetched anew after an update.
func (p *Pages) asset(w http.ResponseWriter, r *http.Request, _ Viewer) {
	a, ok := p.assets[r.URL.Path]
	pageHeaders(w.Header())
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "private, max-age=300")
	if r.URL.Query().Get("v") == a.hash {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	w.Header().Set("ETag", `"`+a.hash+`"`)
	if r.Header.Get("If-None-Match") == `"`+a.hash+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	_, _ = w.Write(a.content)
}
