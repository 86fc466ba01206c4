package store

import "sync"

// lease counts who uses a day's file. A file that is removed or replaced goes
// on to serve those who use it: it is closed when the last one has done.
type lease struct {
	mu      sync.Mutex
	users   int
	retired bool
}

// hold keeps the file open until release. The caller sees to it that the day
// is not retired: it holds the lock of the days' list.
func (d *day) hold() {
	d.lease.mu.Lock()
	defer d.lease.mu.Unlock()
	d.lease.users++
}

// release ends a hold.
func (d *day) release() error {
	d.lease.mu.Lock()
	defer d.lease.mu.Unlock()
	d.lease.users--
	return d.closeUnused()
}

// retire has the file closed as soon as nobody uses it.
func (d *day) retire() error {
	d.lease.mu.Lock()
	defer d.lease.mu.Unlock()
	d.lease.retired = true
	return d.closeUnused()
}

// inUse reports whether somebody uses the file.
func (d *day) inUse() bool {
	d.lease.mu.Lock()
	defer d.lease.mu.Unlock()
	return d.lease.users > 0
}

func (d *day) closeUnused() error {
	if d.lease.retired && d.lease.users == 0 {
		return d.db.Close()
	}
	return nil
}
