package tail

import (
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watch gives a channel that says when to look: a file of the chain changed,
// or pollEvery went by. Notifications can be lost, so the poll is what counts
// and they only make it prompt. stop ends both and waits for them.
func (f *Follower) watch() (wake <-chan struct{}, stop func()) {
	ch, done := make(chan struct{}, 1), make(chan struct{})
	var events chan fsnotify.Event
	var faults chan error
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		events, faults = watcher.Events, watcher.Errors
		err = watcher.Add(f.opt.Root.Path(f.folder))
	}
	if err != nil {
		f.opt.Logger.Warn("tail: no file notifications; polling", "folder", f.folder, "err", err)
	}
	var wait sync.WaitGroup
	wait.Go(func() { f.look(done, events, faults, ch) })
	return ch, func() {
		close(done)
		wait.Wait()
		if watcher != nil {
			_ = watcher.Close()
		}
	}
}

// look says on wake when to look, until done. What was said and not yet heard
// is enough.
func (f *Follower) look(done <-chan struct{}, events <-chan fsnotify.Event, faults <-chan error, wake chan<- struct{}) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case e := <-events:
			if !f.concerns(e.Name) {
				continue
			}
		case <-faults: // an overflow: something happened
		case <-tick.C:
		}
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// concerns reports whether a name in the folder may be of the chain.
func (f *Follower) concerns(name string) bool {
	return strings.HasPrefix(name[strings.LastIndexByte(name, '/')+1:], f.base)
}
