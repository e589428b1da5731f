package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/journal"
)

// mend damages journals and kills those who repair and rewrite them half-way.
// After the next one that is let finish the journal is sound, nothing that was
// whole is missing or changed, and what was damaged lies aside.
func mend(ctx context.Context, r *round) error {
	const report = 5 * time.Second
	told := time.Now()
	for n, begun := 0, r.killed(r.scenario); r.killed(r.scenario)-begun < r.kills && ctx.Err() == nil; n++ {
		p := &patient{round: r, dir: filepath.Join(r.home, strconv.Itoa(n), "journal"), before: r.killed(r.scenario)}
		if err := p.treat(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.dir, err)
		}
		if len(r.broken()) > 0 {
			return nil
		}
		if err := os.RemoveAll(filepath.Dir(p.dir)); err != nil {
			return err
		}
		r.count("journals damaged and mended", 1)
		if time.Since(told) > report {
			told = time.Now()
			r.progress("%d of %d kills in this round", r.killed(r.scenario)-begun, r.kills)
		}
	}
	return nil
}

// patient is one journal that is damaged and mended.
type patient struct {
	*round
	dir     string
	records []kept
	hurt    int // of them
	harms   []string
	before  int // kills, when it began
}

// kept is a record as it was before the damage.
type kept struct {
	from, to journal.Position
	payload  string
	hurt     bool
}

func (p *patient) treat(ctx context.Context) error {
	if err := p.grow(); err != nil {
		return err
	}
	for range 1 + p.rng.IntN(6) {
		if err := p.harm(); err != nil {
			return err
		}
	}
	p.count("records damaged", p.hurt)
	if err := p.under(ctx, "repair", "as-repair", filepath.Dir(p.dir), p.seed()); err != nil {
		return err
	}
	if err := p.examine("repair", ""); err != nil {
		return err
	}
	account := p.account()
	if err := p.under(ctx, "rewrite", "as-rewrite", filepath.Dir(p.dir), p.seed(), account); err != nil {
		return err
	}
	return p.examine("rewrite", account)
}

func (p *patient) seed() string    { return strconv.FormatUint(p.rng.Uint64(), 10) }
func (p *patient) account() string { return "account" + strconv.Itoa(p.rng.IntN(8)) }

// grow writes a journal of a few hundred records in some segments.
func (p *patient) grow() error {
	var writers [3]*journal.Writer
	for i := range writers {
		w, err := journal.OpenWriter(p.dir, journal.Options{})
		if err != nil {
			return err
		}
		defer w.Close()
		writers[i] = w
	}
	size := int64(8<<10) << p.rng.IntN(4)
	for n := range 100 + p.rng.IntN(400) {
		payload := fmt.Sprintf(`{"v":1,"kind":"stage","what":"started","time":"2026-01-01T00:00:00Z","clock":%d,`+
			`"owner":{"pid":1,"start":1,"boot":"b","space":1},"definition":"Content","run":"r%d","account":"%s","stage":1,"message":"%s"}`,
			n, n, p.account(), strings.Repeat("m", p.rng.IntN(400)))
		if err := writers[p.rng.IntN(len(writers))].Append([]byte(payload)); err != nil {
			return err
		}
		if _, err := journal.Seal(p.dir, size, 0); err != nil {
			return err
		}
	}
	f := journal.Follow(p.dir, journal.Position{})
	defer f.Close()
	for last := (journal.Position{}); ; {
		rec, ok, err := f.Next()
		if err != nil || !ok {
			return err
		}
		if rec.End.Segment != last.Segment {
			last = journal.Position{Segment: rec.End.Segment}
		}
		p.records = append(p.records, kept{from: last, to: rec.End, payload: string(rec.Payload)})
		last = rec.End
	}
}

// harm does one piece of damage, and notes whom it hurt.
func (p *patient) harm() error {
	at := p.records[p.rng.IntN(len(p.records))]
	newest := p.records[len(p.records)-1].to
	path := filepath.Join(p.dir, fmt.Sprintf("%08d.seg", at.from.Segment))
	offset := at.from.Offset + p.rng.Int64N(at.to.Offset-at.from.Offset)
	switch p.rng.IntN(10) {
	case 0: // a cut tail, of the newest segment or of a sealed one
		if p.rng.IntN(2) == 0 {
			path = filepath.Join(p.dir, fmt.Sprintf("%08d.seg", newest.Segment))
			offset = max(0, newest.Offset-p.rng.Int64N(300))
			at.from.Segment = newest.Segment
		}
		p.hit("tail cut", at.from.Segment, offset, 1<<40)
		return cutFile(path, offset)
	case 1: // rubbish at the end, as of a write that was cut short
		p.hit("rubbish at the end", newest.Segment, newest.Offset, 0)
		return appendFile(filepath.Join(p.dir, fmt.Sprintf("%08d.seg", newest.Segment)), []byte("\x1e0badc0de 1234"))
	case 2: // a block of zeros
		length := min(1+p.rng.Int64N(512), at.to.Offset-offset)
		p.hit("zeros", at.from.Segment, offset, length)
		return overwrite(path, offset, length, func(b []byte) { clear(b) })
	}
	p.hit("bit flipped", at.from.Segment, offset, 1)
	bit := byte(1) << p.rng.IntN(8)
	return overwrite(path, offset, 1, func(b []byte) { b[0] ^= bit })
}

// hit notes that bytes of a segment are not what they were.
func (p *patient) hit(how string, segment uint64, offset, length int64) {
	p.count("damage: "+how, 1)
	p.harms = append(p.harms, fmt.Sprintf("%s in segment %d at %d", how, segment, offset))
	for i := range p.records {
		r := &p.records[i]
		if r.from.Segment == segment && r.from.Offset < offset+length && offset < r.to.Offset && !r.hurt {
			r.hurt = true
			p.hurt++
		}
	}
}

// under lets a process work on the journal, kills it half-way a few times, and
// then lets one finish.
func (p *patient) under(ctx context.Context, kind string, command ...string) error {
	const longest = 25 * time.Millisecond
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for range p.rng.IntN(5) {
		begun := make(chan struct{}, 1)
		child, err := start(ctx, kind, func(string) { begun <- struct{}{} }, nil, append([]string{self}, command...)...)
		if err != nil {
			return err
		}
		select {
		case <-begun:
		case <-child.ended:
		}
		pause(ctx, time.Duration(p.rng.Int64N(int64(longest))>>p.rng.IntN(8)))
		if child.kill(); child.finished() {
			p.count(kind+" that was faster than its kill", 1)
		} else {
			p.kill(kind)
		}
	}
	child, err := start(ctx, kind, func(string) {}, nil, append([]string{self}, command...)...)
	if err != nil {
		return err
	}
	<-child.ended
	if !child.finished() {
		p.broke("%s of %s: %v: %s", kind, p.dir, child.cmd.ProcessState, child.errs.Bytes())
	}
	return nil
}

// examine compares the journal with what it was; the records of the account,
// when one is named, must be blank, and all others as they were.
func (p *patient) examine(after, blank string) error {
	report, err := stagewatch.Verify(filepath.Dir(p.dir))
	if err != nil {
		return err
	}
	if !report.Sound() {
		p.broke("%s: not sound after %s: %s; %d kills; it had %s", p.dir, after, encode(report.Journal.Counts), p.killed(p.scenario)-p.before, encode(p.harms))
	}
	f := journal.Follow(p.dir, journal.Position{})
	defer f.Close()
	want := slices.DeleteFunc(slices.Clone(p.records), func(k kept) bool { return k.hurt })
	for i := 0; ; i++ {
		rec, ok, err := f.Next()
		if err != nil {
			return err
		}
		if !ok || i >= len(want) {
			if ok || i < len(want) {
				p.broke("%s: after %s there are %d records and more: %v, want %d", p.dir, after, i, ok, len(want))
			}
			break
		}
		expected := want[i].payload
		if blank != "" {
			if text, changed := blanked([]byte(expected), blank); changed {
				expected = string(text)
			}
		}
		if string(rec.Payload) != expected {
			p.broke("%s: after %s record at %v is %q, want %q", p.dir, after, rec.End, rec.Payload, expected)
			break
		}
	}
	if n := f.Skipped().Damaged; n > 0 {
		p.broke("%s: after %s a reader still skips %d damaged pieces", p.dir, after, n)
	}
	return nil
}

// blanked is what a rewrite makes of a record of an account: as long as it was, without its message.
func blanked(payload []byte, account string) ([]byte, bool) {
	const key = `"message":"`
	if !bytes.Contains(payload, []byte(`"account":"`+account+`"`)) {
		return nil, false
	}
	at := bytes.Index(payload, []byte(key))
	if at < 0 || !json.Valid(payload) {
		return nil, false
	}
	text := slices.Clone(payload)
	for i := at + len(key); i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			text[i], text[i+1] = '.', '.'
		}
		text[i] = '.'
	}
	return text, !bytes.Equal(text, payload)
}

// repair mends the journal of a home, rewrite blanks an account in it.
func repair(_ context.Context, p part) error {
	_, _ = fmt.Fprintln(p.out, "begun")
	_, err := stagewatch.Repair(p.home)
	return err
}

func rewrite(_ context.Context, p part) error {
	if len(p.args) == 0 {
		return errors.New("want an account")
	}
	_, _ = fmt.Fprintln(p.out, "begun")
	_, err := journal.Rewrite(p.home+"/journal", func(payload []byte) ([]byte, bool) { return blanked(payload, p.args[0]) })
	return err
}

// cutFile, appendFile and overwrite change a file behind everyone's back.
func cutFile(path string, size int64) error {
	return changed(path, func(f *os.File) error { return f.Truncate(size) })
}

func appendFile(path string, b []byte) error {
	return changed(path, func(f *os.File) error {
		info, err := f.Stat()
		if err == nil {
			_, err = f.WriteAt(b, info.Size())
		}
		return err
	})
}

func overwrite(path string, offset, length int64, change func([]byte)) error {
	return changed(path, func(f *os.File) error {
		b := make([]byte, length)
		n, err := f.ReadAt(b, offset)
		if err != nil && !errors.Is(err, io.EOF) { // cut off before, perhaps
			return err
		}
		if n > 0 {
			change(b[:n])
		}
		_, err = f.WriteAt(b[:n], offset)
		return err
	})
}

// changed opens a file for change, whatever its permission bits, and leaves them as they were.
func changed(path string, change func(*os.File) error) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Chmod(path, info.Mode().Perm())) }()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return change(f)
}
