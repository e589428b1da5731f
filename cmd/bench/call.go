package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver that database/sql knows as sqlite

	"github.com/stagewatch/stagewatch"
)

const message = "Indexing 50 posts in vector database"

// oneCall compares a call with what else could record it. The cheap ones take
// turns, so that a busy machine is as unfair to each.
func (b *bench) oneCall(ctx context.Context) error {
	const rounds = 10
	t, err := stagewatch.Open(stagewatch.Config{Home: filepath.Join(b.dir, "one")})
	if err != nil {
		return err
	}
	defer t.Close()
	call := func() error {
		t.Start(3, message, stagewatch.For("elonmusk"), stagewatch.On("twitter"))
		return nil
	}
	if err := call(); err != nil {
		return err
	}
	record, err := lastRecord(t.Home())
	if err != nil {
		return err
	}
	bare, err := unix.Open(filepath.Join(b.dir, "bare"), unix.O_CREAT|unix.O_WRONLY|unix.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(bare) }() // what it holds is of no use
	db, err := insertions(ctx, filepath.Join(b.dir, "insert.db"), string(record))
	if err != nil {
		return err
	}
	defer func() { _ = db.close() }() // what it holds is of no use

	var floor, ours, inserted took
	for range rounds {
		err = errors.Join(
			floor.measure(b.calls/rounds, func() error { _, err := unix.Write(bare, record); return err }),
			ours.measure(b.calls/rounds, call),
			inserted.measure(b.calls/rounds/10, func() error { return db.insert(ctx) }),
		)
		if err != nil {
			return err
		}
	}
	b.say("\nOne call, a record of %d bytes                 p50         p99   x bare write   x our call\n", len(record))
	row := func(what string, t took) {
		b.say("  %-36s %11s %11s %12.1f %12.1f\n", what, micros(t.at(0.5)), micros(t.at(0.99)),
			float64(t.at(0.5))/float64(floor.at(0.5)), float64(t.at(0.5))/float64(ours.at(0.5)))
	}
	row("bare O_APPEND write", floor)
	row("stagewatch (<= 4 x, p99 <= 100 µs)", ours)
	row("SQLite insert (WAL)", inserted)
	for _, accounts := range []int{1, 10_000} {
		calls := b.calls / 10
		if accounts > 1 {
			calls = 40
		}
		var oneFile took
		file := jsonFile{path: filepath.Join(b.dir, "status.json")}
		if err := file.fill(accounts); err != nil {
			return err
		}
		if err := oneFile.measure(calls, file.update); err != nil {
			return err
		}
		row(fmt.Sprintf("one JSON file, %d accounts, Go", accounts), oneFile)
		inPython, err := b.python(ctx, "cmd/bench/onefile.py", accounts, calls)
		if err != nil {
			b.say("  one JSON file, Python: %v\n", err)
			continue
		}
		row(fmt.Sprintf("one JSON file, %d accounts, Python", accounts), inPython)
	}
	if client, err := b.python(ctx, "cmd/bench/client.py", 1, b.calls/10); err != nil {
		b.say("  Python client: %v\n", err)
	} else {
		row("stagewatch, Python (<= 60 µs)", client)
	}
	return b.power(row)
}

// power compares where records are to survive a power cut.
func (b *bench) power(row func(string, took)) error {
	const calls = 200
	t, err := stagewatch.Open(stagewatch.Config{Home: filepath.Join(b.dir, "power"), Durability: stagewatch.SurvivesPower})
	if err != nil {
		return err
	}
	defer t.Close()
	f, err := os.OpenFile(filepath.Join(b.dir, "synced"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // what it holds is of no use
	record := bytes.Repeat([]byte("x"), 420)
	var bare, ours took
	for range calls {
		err := errors.Join(
			bare.measure(1, func() error { _, err := f.Write(record); return errors.Join(err, unix.Fdatasync(int(f.Fd()))) }),
			ours.measure(1, func() error { t.Start(3, message, stagewatch.For("elonmusk")); return nil }),
		)
		if err != nil {
			return err
		}
	}
	row("bare write and fdatasync", bare)
	row("stagewatch, durability power", ours)
	return nil
}

// flat shows that a call costs the same with many accounts and a long history.
func (b *bench) flat(context.Context) error {
	const rounds, accounts, history = 10, 10_000, 200_000
	one, err := stagewatch.Open(stagewatch.Config{Home: filepath.Join(b.dir, "few")})
	if err != nil {
		return err
	}
	defer one.Close()
	many, err := stagewatch.Open(stagewatch.Config{Home: filepath.Join(b.dir, "many")})
	if err != nil {
		return err
	}
	defer many.Close()
	names := make([]stagewatch.Option, accounts)
	for i := range names {
		names[i] = stagewatch.For("account-" + strconv.Itoa(i))
		many.Start(3, message, names[i])
	}
	for i := range max(b.calls, history*b.calls/20_000) {
		many.Progress(3, int64(i), history, names[i%accounts])
	}
	var few, live took
	next := 0
	for range rounds {
		err := errors.Join(
			few.measure(b.calls/rounds, func() error { one.Start(3, message, names[0]); return nil }),
			live.measure(b.calls/rounds, func() error { next++; many.Start(3, message, names[next%accounts]); return nil }),
		)
		if err != nil {
			return err
		}
	}
	b.say("\nFlat                                              p50         p99   x one account\n")
	b.say("  %-36s %11s %11s\n", "one account", micros(few.at(0.5)), micros(few.at(0.99)))
	b.say("  %-36s %11s %11s %12.2f\n", "10,000 live accounts, a long journal", micros(live.at(0.5)), micros(live.at(0.99)),
		float64(live.at(0.5))/float64(few.at(0.5)))
	return nil
}

// lastRecord returns the bytes of the newest record in a home.
func lastRecord(home string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(home, "journal", "00000001.seg"))
	if err != nil {
		return nil, err
	}
	return text[bytes.LastIndexByte(text, 0x1E):], nil
}

// insertion is a table with a row a call.
type insertion struct {
	db     *sql.DB
	add    *sql.Stmt
	record string
}

func insertions(ctx context.Context, path, record string) (*insertion, error) {
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "CREATE TABLE record (n INTEGER PRIMARY KEY, at TEXT, body TEXT)"); err != nil {
		return nil, err
	}
	add, err := db.PrepareContext(ctx, "INSERT INTO record (at, body) VALUES (?, ?)")
	return &insertion{db: db, add: add, record: record}, err
}

func (i *insertion) insert(ctx context.Context) error {
	_, err := i.add.ExecContext(ctx, time.Now().UTC().Format(time.RFC3339Nano), i.record)
	return err
}

func (i *insertion) close() error { return errors.Join(i.add.Close(), i.db.Close()) }

// jsonFile is the obvious way: one file that says how all accounts are.
type jsonFile struct{ path string }

type entry struct {
	Stage   int    `json:"stage"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

func (f jsonFile) fill(accounts int) error {
	all := map[string]entry{}
	for i := range accounts {
		all["account-"+strconv.Itoa(i)] = entry{3, "running", message}
	}
	return f.replace(all)
}

func (f jsonFile) replace(all map[string]entry) error {
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.path+".tmp", text, 0o600); err != nil {
		return err
	}
	return os.Rename(f.path+".tmp", f.path)
}

func (f jsonFile) update() (err error) {
	lock, err := os.OpenFile(f.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	var all map[string]entry
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	all["account-0"] = entry{3, "running", message}
	return f.replace(all)
}

// python runs one of the scripts here, which prints how many nanoseconds each call took.
func (b *bench) python(ctx context.Context, script string, accounts, calls int) (took, error) {
	out, err := exec.CommandContext(ctx, "python3", script, b.dir, strconv.Itoa(accounts), strconv.Itoa(calls)).Output()
	if err != nil {
		return nil, fmt.Errorf("run python3: %w", err)
	}
	var t took
	for line := range strings.FieldsSeq(string(out)) {
		n, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			return nil, err
		}
		t = append(t, time.Duration(n))
	}
	return t, nil
}
