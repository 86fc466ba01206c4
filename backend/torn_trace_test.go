package backend_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// traced are the system calls that change files, and those that say which file
// is meant.
const traced = "openat,creat,open,close,dup,dup2,dup3,pwrite64,pwritev,pwritev2,write,writev,sendfile,copy_file_range,fdatasync,fsync,sync_file_range," +
	"ftruncate,truncate,fallocate,rename,renameat,renameat2,link,linkat,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,mmap"

// call is a system call as strace tells of it.
type call struct {
	name   string
	args   []string
	result int64
	failed bool
}

// readTrace gives the calls of a trace, each where it ended.
func readTrace(name string) ([]call, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var calls []call
	unfinished := map[string]string{}
	for in := bufio.NewReaderSize(file, 1<<20); ; {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return calls, nil
		}
		if err != nil {
			return nil, err
		}
		pid, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		text = strings.TrimLeft(text, " ")
		if first, cut := strings.CutSuffix(text, " <unfinished ...>"); cut {
			unfinished[pid] = first
			continue
		}
		if rest, ok := strings.CutPrefix(text, "<... "); ok {
			_, rest, _ = strings.Cut(rest, " resumed>")
			text = unfinished[pid] + rest
		}
		if strings.HasPrefix(text, "+++ ") || strings.HasPrefix(text, "--- ") {
			continue // the end of a thread, a signal
		}
		c, err := toCall(text)
		if err != nil {
			return nil, err
		}
		calls = append(calls, c)
	}
}

// toCall reads "name(argument, argument) = result and what it means".
func toCall(text string) (call, error) {
	name, rest, _ := strings.Cut(text, "(")
	end := strings.LastIndex(rest, " = ")
	if end < 0 {
		return call{}, fmt.Errorf("a line of the trace is not understood: %.200s", text)
	}
	args, ok := strings.CutSuffix(strings.TrimRight(rest[:end], " "), ")")
	if !ok {
		return call{}, fmt.Errorf("a line of the trace is not understood: %.200s", text)
	}
	result, _, _ := strings.Cut(rest[end+3:], " ")
	c := call{name: name, args: strings.Split(args, ", ")}
	if strings.HasPrefix(result, "0x") || result == "?" {
		return c, nil
	}
	n, err := strconv.ParseInt(result, 10, 64)
	c.result, c.failed = n, n < 0
	return c, err
}

// text gives a string argument, which strace -xx writes as \x61\x62.
func (c call) text(i int) (string, error) {
	if i >= len(c.args) {
		return "", fmt.Errorf("%s has no argument %d", c.name, i)
	}
	hex, ok := strings.CutPrefix(c.args[i], `"`)
	hex, ok2 := strings.CutSuffix(hex, `"`)
	if !ok || !ok2 || len(hex)%4 != 0 {
		return "", fmt.Errorf("%s: argument %d is not whole: %.80s", c.name, i, c.args[i])
	}
	out := make([]byte, 0, len(hex)/4)
	for ; hex != ""; hex = hex[4:] {
		b := nibble(hex[2])<<4 | nibble(hex[3])
		out = append(out, b)
	}
	return string(out), nil
}

func nibble(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

func (c call) number(i int) (int64, error) {
	if i >= len(c.args) {
		return 0, fmt.Errorf("%s has no argument %d", c.name, i)
	}
	return strconv.ParseInt(c.args[i], 10, 64)
}

// replay brings a disk to where the calls of a trace bring it.
type replay struct {
	root string
	disk *disk
	fds  map[int64]*openFile
	said string // on the standard output, since its last line end
	g    progress
	// changed is set by a call that changed the disk.
	changed bool
}

type openFile struct {
	inode *inode
	at    int64
}

func newReplay(root string) *replay {
	return &replay{root: root, disk: newDisk(root), fds: map[int64]*openFile{}}
}

func (p *replay) inside(path string) bool {
	return path == p.root || strings.HasPrefix(path, p.root+"/")
}

// take takes one call. A call that would change a file below the root in a way
// that is not foreseen here is an error: the images would be wrong.
func (p *replay) take(c call) error {
	p.changed = false
	switch c.name {
	case "openat":
		return p.open(c)
	case "mkdirat", "unlinkat", "rename", "renameat", "renameat2":
		return p.name(c)
	case "mmap":
		return p.mapped(c)
	}
	fd, err := c.number(0)
	if err != nil {
		return p.foreign(c)
	}
	f := p.fds[fd]
	switch {
	case c.name == "close":
		delete(p.fds, fd)
	case c.name == "write" && fd == 1:
		return p.hear(c)
	case f == nil || c.failed:
	case c.name == "write" || c.name == "pwrite64":
		return p.write(c, f)
	case c.name == "ftruncate":
		size, err := c.number(1)
		p.put(f, fileWrite{at: size, cut: true})
		return err
	case c.name == "fsync" || c.name == "fdatasync":
		p.disk.sync(f.inode)
		p.changed = true
	default:
		return fmt.Errorf("%s of a file of the store: not foreseen", c.name)
	}
	return nil
}

// foreign is a call that names a path first.
func (p *replay) foreign(c call) error {
	if path, err := c.text(0); err == nil && p.inside(path) && !c.failed {
		return fmt.Errorf("%s of %s: not foreseen", c.name, path)
	}
	return nil
}

func (p *replay) hear(c call) error {
	text, err := c.text(1)
	if err != nil {
		return err
	}
	p.said += text
	for {
		line, rest, whole := strings.Cut(p.said, "\n")
		if !whole {
			return nil
		}
		p.g.hear(line)
		p.said = rest
	}
}

func (p *replay) open(c call) error {
	path, err := c.text(1)
	if err != nil || c.failed {
		return err
	}
	delete(p.fds, c.result)
	if !p.inside(path) {
		return nil
	}
	f := p.disk.names[path]
	if f == nil {
		if !strings.Contains(c.args[2], "O_CREAT") {
			return fmt.Errorf("%s was opened, and nobody made it", path)
		}
		f = p.disk.create(path, false)
		p.changed = true
	}
	p.fds[c.result] = &openFile{inode: f}
	if strings.Contains(c.args[2], "O_TRUNC") {
		p.put(p.fds[c.result], fileWrite{cut: true})
	}
	if strings.Contains(c.args[2], "O_APPEND") {
		return fmt.Errorf("%s was opened with O_APPEND: not foreseen", path)
	}
	return nil
}

func (p *replay) put(f *openFile, w fileWrite) {
	f.inode.wrote = append(f.inode.wrote, w)
	p.changed = true
}

func (p *replay) write(c call, f *openFile) error {
	data, err := c.text(1)
	if err != nil {
		return err
	}
	if int64(len(data)) < c.result {
		return fmt.Errorf("%s of %d bytes, and the trace has %d", c.name, c.result, len(data))
	}
	at := f.at
	if c.name == "pwrite64" {
		if at, err = c.number(3); err != nil {
			return err
		}
	} else {
		f.at += c.result
	}
	p.put(f, fileWrite{at: at, data: []byte(data[:c.result])})
	return nil
}

// name takes a call that changes names.
func (p *replay) name(c call) error {
	var paths []string
	for i := range c.args {
		if path, err := c.text(i); err == nil {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return fmt.Errorf("%s without a name", c.name)
	}
	if c.failed || !p.inside(paths[0]) {
		return nil
	}
	to := map[string]*inode{}
	switch {
	case c.name == "mkdirat":
		p.changed = true
		p.disk.create(paths[0], true)
		return nil
	case c.name == "unlinkat":
		to[paths[0]] = nil
	case len(paths) == 2 && filepath.Dir(paths[0]) == filepath.Dir(paths[1]):
		to[paths[0]], to[paths[1]] = nil, p.disk.names[paths[0]]
	default:
		return errors.New(c.name + " to another folder: not foreseen")
	}
	p.changed = true
	p.disk.move(filepath.Dir(paths[0]), to)
	return nil
}

// mapped sees to it that no file is written through memory, where strace sees
// nothing.
func (p *replay) mapped(c call) error {
	fd, err := c.number(4)
	if err != nil || p.fds[fd] == nil {
		return nil
	}
	if strings.Contains(c.args[2], "PROT_WRITE") && strings.Contains(c.args[3], "MAP_SHARED") {
		return errors.New("a file of the store is mapped for writing: its writes are not in the trace")
	}
	return nil
}
