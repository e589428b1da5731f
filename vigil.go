package stagewatch

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	idleOwners     = 4096 // processes without an open stage that are watched on
	mostDescriptor = 16 << 10
)

// vigil watches many processes for their end at the price of one system call a
// round: it holds a descriptor of each, which no later process of the same
// number can have. Where there is none to be had, /proc tells.
type vigil struct {
	watchman
	seen  map[Owner]*watched
	room  int // descriptors that may still be opened
	polls []unix.PollFd
	order []*watched // as polls
}

type watched struct {
	fd    int // -1: none
	pgid  int // seen while it lived, else 0
	ended bool
}

func newVigil(w watchman) *vigil {
	room := 0
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		room = int(min(limit.Cur/2, mostDescriptor)) //nolint:gosec // at most mostDescriptor
	}
	return &vigil{watchman: w, seen: map[Owner]*watched{}, room: room}
}

// meet begins to watch a process.
func (v *vigil) meet(o Owner) {
	if v.seen[o] != nil {
		return
	}
	w := &watched{fd: -1}
	v.seen[o] = w
	if o.PID <= 0 || o.Boot != v.boot || o.Space != v.space {
		w.ended = v.watchman.gone(o)
		return
	}
	if v.room > 0 {
		if fd, err := unix.PidfdOpen(o.PID, 0); err == nil {
			w.fd = fd
			v.room--
		}
	}
	// The descriptor is of whoever had the number just now: /proc says if that was the owner.
	if w.ended = v.watchman.gone(o); w.ended {
		v.release(w)
		return
	}
	if group, err := unix.Getpgid(o.PID); err == nil {
		w.pgid = group
	}
}

// round looks after everybody who is watched and after the owners of open stages.
func (v *vigil) round(owners map[Owner]map[*RunState]int) {
	for o := range owners {
		v.meet(o)
	}
	idle := len(v.seen) - len(owners)
	v.polls, v.order = v.polls[:0], v.order[:0]
	for o, w := range v.seen {
		if owners[o] == nil && (w.ended || idle > idleOwners) {
			idle--
			v.release(w)
			delete(v.seen, o)
			continue
		}
		if !w.ended && w.fd >= 0 {
			v.polls = append(v.polls, unix.PollFd{Fd: int32(w.fd), Events: unix.POLLIN}) //nolint:gosec // descriptors are small
			v.order = append(v.order, w)
		}
	}
	if len(v.polls) == 0 {
		return
	}
	if n, err := unix.Poll(v.polls, 0); err != nil || n == 0 {
		return // interrupted: the next round tells
	}
	for i, p := range v.polls {
		if p.Revents != 0 {
			v.order[i].ended = true
			v.release(v.order[i])
		}
	}
}

func (v *vigil) release(w *watched) {
	if w.fd >= 0 {
		_ = unix.Close(w.fd) // it was only waited on
		w.fd = -1
		v.room++
	}
}

func (v *vigil) close() {
	for _, w := range v.seen {
		v.release(w)
	}
}

// gone is as of the last round for those of whom it holds a descriptor.
func (v *vigil) gone(o Owner) bool {
	w := v.seen[o]
	if w == nil {
		return v.watchman.gone(o)
	}
	if w.fd < 0 && !w.ended {
		w.ended = v.watchman.gone(o)
	}
	return w.ended
}

func (v *vigil) group(o Owner) int {
	if w := v.seen[o]; w != nil {
		return w.pgid
	}
	return 0
}

// sameFile reports whether a path still leads to an open file.
func sameFile(f *os.File, path string) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(path)
	return err == nil && os.SameFile(held, now)
}
