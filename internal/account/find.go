package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"path"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

// Store is what this package needs of the results bucket.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, data []byte) error
	PutNew(ctx context.Context, key string, data []byte) error
	List(ctx context.Context, prefix string) iter.Seq2[bucket.Object, error]
}

// Entry is one AccountInfo file, whether it can be used or not.
type Entry struct {
	// Key is where the info.json lies in the results bucket.
	Key string
	// Account is what the file says; when Err is set only as much of its
	// platform and username as the path tells.
	Account content.Account
	// Err says why the account cannot be worked on, nil when it can.
	Err error
	// Input is the SHA-256 of the info.json, in hex; "" when its content was not read
	// or does not matter.
	Input    string
	Modified time.Time // of the info.json, UTC
	// Outcome is what became of the account, nil when nothing did yet. It is read
	// whether the account can be used or not.
	Outcome *Outcome
}

// StatusKey returns where the outcome lies: status.json beside the info.json. Where
// no key can lead there (a folder whose name is none) it lies under .unusable.
func (e Entry) StatusKey() string {
	if path.Base(e.Key) == "info.json" && bucket.CheckKey(e.Key) == nil {
		return path.Join(path.Dir(e.Key), "status.json")
	}
	sum := sha256.Sum256([]byte(e.Key))
	return path.Join(Root, ".unusable", hex.EncodeToString(sum[:8]), "status.json")
}

// A file that is not whole is read again for this long, on this machine's clock,
// unless it is older or known to be broken; then it counts as broken.
const (
	settle      = 2 * time.Second
	settleEvery = 100 * time.Millisecond
)

// Find returns every AccountInfo of the bucket in key order: those that can be
// worked on and, with the reason in Err, those that cannot (broken JSON, an
// unknown platform, an impossible name, a second file for the same account).
// Nothing is left out silently.
//
// AccountInfo/<username>/info.json, as old tools wrote it, is an Instagram account.
// A file that is just being written is waited for, about two seconds. The error is
// that of a bucket that cannot be listed, or ctx's.
func Find(ctx context.Context, b Store) ([]Entry, error) {
	return find(ctx, b, func(content.Account) bool { return true })
}

// Load returns the entry of one account, usable or not, and nil when the bucket
// has no AccountInfo file for it.
func Load(ctx context.Context, b Store, platform content.Platform, username string) (*Entry, error) {
	entries, err := find(ctx, b, func(a content.Account) bool {
		return a.Platform == platform && content.SameHandle(a.Username, username)
	})
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	for _, e := range entries {
		if e.Err == nil {
			return &e, nil
		}
	}
	return &entries[0], nil
}

// find returns the entries of the wanted accounts, of whom only platform and
// username are known when wanted is asked.
func find(ctx context.Context, b Store, wanted func(content.Account) bool) ([]Entry, error) {
	var entries []Entry
	for o, err := range b.List(ctx, Root+"/") {
		if err != nil && o.Key == "" {
			return nil, fmt.Errorf("find accounts: %w", err)
		}
		if err == nil && path.Base(o.Key) != "info.json" {
			continue
		}
		e := Entry{Key: o.Key, Modified: o.Modified, Err: err}
		if err == nil {
			e.Account.Platform, e.Account.Username, e.Err = fromKey(o.Key)
		}
		if !wanted(e.Account) {
			continue
		}
		if err := e.read(ctx, b); err != nil {
			return nil, fmt.Errorf("find accounts: %w", err)
		}
		entries = append(entries, e)
	}
	markRepeated(entries)
	return entries, nil
}

// read fills e from its files; what is wrong with them goes to e.Err. The error is
// ctx's only.
func (e *Entry) read(ctx context.Context, b Store) error {
	outcome, err := readOutcome(ctx, b, e.StatusKey())
	e.Outcome = outcome
	for began := time.Now(); e.Err == nil; {
		e.parse(ctx, b)
		if err := ctx.Err(); err != nil {
			return err
		}
		if !errors.Is(e.Err, ErrHalfWritten) || e.refused() || time.Since(e.Modified) > settle || time.Since(began) > settle {
			break
		}
		if err := wait(ctx, settleEvery); err != nil {
			return err
		}
		e.Err = nil
	}
	if e.Err == nil {
		e.Err = err
	}
	return ctx.Err()
}

// refused reports whether the outcome is a failure of what the file says now.
func (e *Entry) refused() bool {
	return e.Outcome != nil && e.Outcome.State == Failed && e.Outcome.Input == e.Input
}

func (e *Entry) parse(ctx context.Context, b Store) {
	data, err := b.Get(ctx, e.Key)
	if err != nil {
		e.Err = fmt.Errorf("read AccountInfo: %w", err)
		return
	}
	sum := sha256.Sum256(data)
	e.Input = hex.EncodeToString(sum[:])
	a, err := Parse(e.Account.Platform, e.Account.Username, data)
	if e.Err = err; err == nil {
		e.Account = a
	}
}

// wait returns after d, or with ctx's error before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// fromKey reads platform and username from the path of an info.json. Both come
// back, as far as the path tells them, with an error too.
func fromKey(key string) (content.Platform, string, error) {
	parts := strings.Split(key, "/")
	var platform content.Platform
	var username string
	switch len(parts) {
	case 3:
		platform, username = content.Instagram, parts[1]
	case 4:
		platform, username = content.Platform(parts[1]), parts[2]
	default:
		return "", "", fmt.Errorf("%s is no place for an AccountInfo: put it at %s/<platform>/<username>/info.json", key, Root)
	}
	checked, err := CheckUsername(platform, username)
	if err != nil {
		return platform, username, err
	}
	return platform, checked, nil
}

// markRepeated leaves of several files for one account the one at the proper
// place, or else the first, and gives the others a reason.
func markRepeated(entries []Entry) {
	used := map[string]*Entry{}
	for i := range entries {
		e := &entries[i]
		if e.Account.Username == "" {
			continue
		}
		name := strings.ToLower(e.Account.Key())
		first, repeated := used[name]
		if !repeated {
			used[name] = e
			continue
		}
		if old := strings.Count(first.Key, "/") == 2; old {
			used[name] = e
			first, e = e, first
		}
		e.Input = "" // So that it counts as changed when the other file goes.
		e.Err = fmt.Errorf("%s names the same account as %s, which is used: remove one of them", e.Key, first.Key)
	}
}
