package backend_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// disk is what a disk may hold at a moment: what was synced, and what was
// written since and may have come to it or not. It takes POSIX at its word: a
// sync of a file says nothing of its name, and nothing is in order that is not
// synced.
type disk struct {
	names map[string]*inode // that stand, by path
	kept  map[string]*inode // those that are synced
	moves []move            // of names, since the last sync of their folder
	files []*inode
}

// inode is a file, or a folder, under whatever name.
type inode struct {
	folder bool
	synced []byte
	wrote  []fileWrite // since the last sync, in order
}

// fileWrite writes data at an offset; with cut, it makes the file as long as
// the offset says.
type fileWrite struct {
	at   int64
	data []byte
	cut  bool
}

// move gives a folder's names files; nil takes the name away.
type move struct {
	folder string
	to     map[string]*inode
}

func newDisk(root string) *disk {
	d := &disk{names: map[string]*inode{}, kept: map[string]*inode{}}
	d.names[root] = &inode{folder: true}
	d.kept[root] = d.names[root]
	return d
}

func (d *disk) create(path string, folder bool) *inode {
	f := &inode{folder: folder}
	d.files = append(d.files, f)
	d.move(filepath.Dir(path), map[string]*inode{path: f})
	return f
}

func (d *disk) move(folder string, to map[string]*inode) {
	d.moves = append(d.moves, move{folder, to})
	apply(d.names, to)
}

func apply(names, to map[string]*inode) {
	for path, f := range to {
		if f == nil {
			delete(names, path)
		} else {
			names[path] = f
		}
	}
}

// sync makes lasting what a file or a folder holds by now.
func (d *disk) sync(f *inode) {
	if !f.folder {
		for _, w := range f.wrote {
			f.synced = w.into(f.synced, nil)
		}
		f.wrote = nil
		return
	}
	d.moves = slices.DeleteFunc(d.moves, func(m move) bool {
		if d.names[m.folder] != f {
			return false
		}
		apply(d.kept, m.to)
		return true
	})
}

// sector is what a disk writes wholly or not at all, in bytes.
const sector = 512

// into writes to a file's content, those sectors of it that keep says; nil
// keeps all.
func (w fileWrite) into(content []byte, keep func() bool) []byte {
	if w.cut {
		return resize(content, w.at)
	}
	for from := int64(0); from < int64(len(w.data)); {
		to := min(int64(len(w.data)), (w.at+from)/sector*sector+sector-w.at)
		if keep == nil || keep() {
			content = resize(content, max(int64(len(content)), w.at+to))
			copy(content[w.at+from:], w.data[from:to])
		}
		from = to
	}
	return content
}

func resize(b []byte, n int64) []byte {
	if n <= int64(len(b)) {
		return b[:n:n]
	}
	return append(b, make([]byte, n-int64(len(b)))...)
}

// loose counts what a crash could take back.
func (d *disk) loose() int {
	n := len(d.moves)
	for _, f := range d.files {
		n += len(f.wrote)
	}
	return n
}

// Ways in which a disk loses what was not synced.
const (
	inOrder   = "in order"  // all up to a moment is there, the rest is not
	anyOf     = "any of it" // each write is there or not
	tornUp    = "torn"      // each sector of each write is there or not
	shuffled  = "shuffled"  // as torn, and an earlier write may come over a later one
	allOfIt   = "all of it" // as after kill -9
	noneOfIt  = "none of it"
	waysTaken = 6
)

var ways = [waysTaken]string{inOrder, anyOf, tornUp, shuffled, allOfIt, noneOfIt}

// crash lays out in dir what a disk may hold after a crash now.
func (d *disk) crash(r *rand.Rand, way, root, dir string) error {
	names := map[string]*inode{}
	apply(names, d.kept)
	until := r.IntN(len(d.moves) + 1)
	for i, m := range d.moves {
		keep := map[string]bool{inOrder: i < until, allOfIt: true, noneOfIt: false}
		if k, fixed := keep[way]; fixed && k || !fixed && r.IntN(2) == 0 {
			apply(names, m.to)
		}
	}
	for _, path := range sortedKeys(names) {
		f := names[path]
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if f.folder {
			err = os.MkdirAll(to, 0o700)
		} else if p := names[filepath.Dir(path)]; p != nil && p.folder {
			err = os.WriteFile(to, f.crash(r, way), 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys(names map[string]*inode) []string {
	var all []string
	for path := range names {
		all = append(all, path)
	}
	slices.Sort(all)
	return all
}

// crash gives what a file may hold.
func (f *inode) crash(r *rand.Rand, way string) []byte {
	content := slices.Clone(f.synced)
	coin := func() bool { return r.IntN(2) == 0 }
	until := r.IntN(len(f.wrote) + 1)
	wrote := f.wrote
	if way == shuffled {
		wrote = slices.Clone(wrote)
		r.Shuffle(len(wrote), func(i, j int) { wrote[i], wrote[j] = wrote[j], wrote[i] })
	}
	for i, w := range wrote {
		switch way {
		case allOfIt:
			content = w.into(content, nil)
		case inOrder:
			if i < until {
				content = w.into(content, nil)
			} else if i == until {
				content = w.into(content, coin)
			}
		case anyOf:
			if coin() {
				content = w.into(content, nil)
			}
		case tornUp, shuffled:
			if !w.cut || coin() {
				content = w.into(content, coin)
			}
		}
	}
	return content
}
