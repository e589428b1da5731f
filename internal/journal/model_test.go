package journal

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// model is a journal with everything that may happen to it, and what it must
// then hold: the acknowledged records of each writer.
type model struct {
	t       *rapid.T
	dir     string
	writers []*modelWriter
	place   Position // of a follower that is begun anew now and then
	follow  *Follower
	got     map[string]bool // what it was handed out, over all its lives
	gap     bool
	// What is marked as written again may come twice when a keeper was killed
	// between mark and seal, or when retention removed the place that it names.
	doubt bool
	gone  uint64 // segments up to this one were removed
}

type modelWriter struct {
	w     *Writer
	name  int
	acked int  // records 1 … acked are
	doubt bool // Append of the next one failed: it may be there
	gone  bool // it was killed, perhaps in the middle of a record
}

func (m *model) fatal(err error) {
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) open() {
	w, err := OpenWriter(m.dir, Options{})
	m.fatal(err)
	m.writers = append(m.writers, &modelWriter{w: w, name: len(m.writers)})
}

func (m *model) alive(label string) *modelWriter {
	var live []*modelWriter
	for _, w := range m.writers {
		if !w.gone {
			live = append(live, w)
		}
	}
	if len(live) == 0 {
		m.open()
		return m.writers[len(m.writers)-1]
	}
	return rapid.SampledFrom(live).Draw(m.t, label)
}

// write appends the writer's next record, with one fault below.
func (m *model) write(fault func(fd int, b []byte) (int, error)) {
	w := m.alive("writer")
	if fault != nil {
		w.w.write = func(fd int, b []byte) (int, error) {
			w.w.write = writeThrough
			return fault(fd, b)
		}
	}
	err := w.w.Append(fmt.Appendf(nil, "%d %d", w.name, w.acked+1))
	w.w.write = writeThrough
	if err == nil {
		w.acked++
	}
	w.doubt = err != nil
}

func (m *model) seal() {
	_, err := Seal(m.dir, 1, 0)
	m.fatal(err)
}

// read takes up to most records, 0 all there are.
func (m *model) read(most int) {
	for n := 0; most == 0 || n < most; n++ {
		rec, ok, err := m.follow.Next()
		m.fatal(err)
		if !ok {
			return
		}
		m.place = rec.End
		if rec.Missing > 0 {
			m.gap = true
			continue
		}
		if m.got[string(rec.Payload)] && (rec.again == 0 || !m.doubt && rec.again > m.gone) {
			m.t.Fatalf("%s was handed out twice", rec.Payload)
		}
		m.got[string(rec.Payload)] = true
		var name, number int
		if _, err := fmt.Sscanf(string(rec.Payload), "%d %d", &name, &number); err != nil {
			m.t.Fatal(err)
		}
		if number > 1 && !m.gap && !m.got[fmt.Sprintf("%d %d", name, number-1)] {
			m.t.Fatalf("%s came before the one before it", rec.Payload)
		}
	}
}

func (m *model) begin() {
	m.follow.Close()
	m.follow = Follow(m.dir, m.place)
	m.follow.patience = 0
}

// half seals the newest segment, and is killed after some steps.
func (m *model) half(steps int) {
	u, err := hold(m.dir)
	m.fatal(err)
	u.reached = func(string) error {
		if steps--; steps == 0 {
			return errKilled
		}
		return nil
	}
	_, err = u.seal(1, 0)
	u.release()
	if err != nil && !errors.Is(err, errKilled) {
		m.t.Fatal(err)
	}
	m.doubt = true
}

func (m *model) check() {
	r, err := Check(m.dir)
	m.fatal(err)
	if !r.Sound() || r.Counts[Unfinished] > 0 {
		m.t.Fatalf("%v", r.Findings)
	}
}

func (m *model) close() {
	m.follow.Close()
	for _, w := range m.writers {
		w.w.Close()
	}
	if err := os.RemoveAll(m.dir); err != nil {
		m.t.Error(err)
	}
}

// Whatever happens to a journal, a follower that is begun anew again and again
// is handed every acknowledged record once, each writer's in order.
func TestJournalIsLikeItsModel(t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(folder, "") //nolint:usetesting // one for each of rapid's runs
		if err != nil {
			t.Fatal(err)
		}
		m := &model{t: t, dir: dir, got: map[string]bool{}, follow: Follow(dir, Position{})}
		m.begin()
		defer m.close()
		m.open()
		t.Repeat(map[string]func(*rapid.T){
			"":      func(*rapid.T) {},
			"open":  func(*rapid.T) { m.open() },
			"write": func(*rapid.T) { m.write(nil) },
			"short": func(t *rapid.T) {
				m.write(func(fd int, b []byte) (int, error) {
					return unix.Write(fd, b[:rapid.IntRange(1, len(b)-1).Draw(t, "bytes")])
				})
			},
			"error": func(*rapid.T) { m.write(func(int, []byte) (int, error) { return -1, unix.EIO }) },
			"error after": func(*rapid.T) {
				m.write(func(fd int, b []byte) (int, error) { _, _ = unix.Write(fd, b); return -1, unix.EIO })
			},
			"sealed after the write": func(*rapid.T) {
				m.write(func(fd int, b []byte) (int, error) { defer m.seal(); return unix.Write(fd, b) })
			},
			"sealed before the write": func(*rapid.T) {
				m.write(func(fd int, b []byte) (int, error) { m.seal(); m.read(0); return unix.Write(fd, b) })
			},
			"killed": func(t *rapid.T) {
				w := m.alive("killed writer")
				w.w.frame([][]byte{fmt.Appendf(nil, "%d %d", w.name, w.acked+1)})
				_, err := unix.Write(w.w.fd, w.w.buf[:rapid.IntRange(0, len(w.w.buf)).Draw(t, "bytes")])
				m.fatal(err)
				w.gone, w.doubt = true, true
			},
			"seal":      func(*rapid.T) { m.seal() },
			"read some": func(t *rapid.T) { m.read(rapid.IntRange(1, 5).Draw(t, "records")) },
			"read all":  func(*rapid.T) { m.read(0) },
			"begin":     func(*rapid.T) { m.begin() },
			"retain": func(t *rapid.T) {
				covered := m.place.Segment
				if rapid.IntRange(0, 9).Draw(t, "overtake") == 0 {
					covered = 1 << 60
				}
				removed, err := Retain(m.dir, Retention{Bytes: 1}, covered)
				m.fatal(err)
				m.gone += uint64(removed) // the oldest go first
			},
			"repair": func(*rapid.T) {
				r, err := Repair(m.dir)
				m.fatal(err)
				if !r.Sound() {
					m.t.Fatalf("%v", r.Findings)
				}
			},
			"half a seal": func(t *rapid.T) {
				m.half(rapid.IntRange(1, 4).Draw(t, "steps"))
			},
			"half a seal before the write": func(t *rapid.T) {
				steps := rapid.IntRange(1, 4).Draw(t, "steps")
				m.write(func(fd int, b []byte) (int, error) { m.half(steps); m.read(0); return unix.Write(fd, b) })
			},
		})
		m.seal()
		m.read(0)
		m.check()
		for _, w := range m.writers {
			for n := 1; n <= w.acked && !m.gap; n++ {
				if !m.got[fmt.Sprintf("%d %d", w.name, n)] {
					t.Fatalf("record %d of writer %d was acknowledged and never seen", n, w.name)
				}
			}
			if extra := w.acked + 2; m.got[fmt.Sprintf("%d %d", w.name, extra)] || m.got[fmt.Sprintf("%d %d", w.name, extra-1)] && !w.doubt {
				t.Fatalf("writer %d never wrote what was seen of it", w.name)
			}
		}
	})
}
