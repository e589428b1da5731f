package images

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/bucket"
)

// desk is what the generator remembers of the next posts between looks. Nothing
// in it is needed after a restart: what is done stands in the bucket.
type desk struct {
	seen map[string]look // by key
	told map[string]bool // keys that were complained about once
}

// look is what one look at a next post found.
type look struct {
	modified time.Time
	size     int64
	id       string
	due      bool
	first    time.Time     // when this state of the file was first seen
	again    time.Time     // not before then, after a passing fault
	wait     time.Duration // before the try after that
}

// generate looks at the inbox at once, then whenever it is woken or the poll is over.
func (m *Module) generate(ctx context.Context, wake <-chan struct{}) error {
	for {
		next := m.poll
		settling, err := m.look(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			m.log.LogAttrs(ctx, slog.LevelError, "look for next posts", slog.Any("error", err))
		case settling:
			next = settle
		}
		if !await(ctx, wake, next) {
			return ctx.Err()
		}
	}
}

// await waits for a sign or for d to pass, then for what comes with the sign. It
// is false when ctx ended.
func await(ctx context.Context, wake <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-wake:
	}
	timer.Reset(gather)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// look takes up every next post that is due. It reports whether a file seems to
// be still in writing, so that it is worth looking again soon. A fault of one next
// post does not keep the others; an error means that the bucket could not be read.
func (m *Module) look(ctx context.Context) (settling bool, err error) {
	done, err := m.done(ctx)
	if err != nil {
		return false, err
	}
	inputs, err := m.inputs(ctx)
	if err != nil {
		return false, err
	}
	seen := make(map[string]look, len(inputs))
	for _, in := range inputs {
		l := m.desk.seen[in.key]
		if !l.modified.Equal(in.modified) || l.size != in.size {
			l = look{modified: in.modified, size: in.size, first: time.Now()}
		}
		soon, err := m.takeUp(ctx, in.source, &l, done)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err != nil {
			l.wait = min(max(2*l.wait, firstWait), longWait)
			l.again = time.Now().Add(l.wait)
			m.log.LogAttrs(ctx, slog.LevelError, "next post not done, it will be tried again", slog.String("key", in.key), slog.Duration("wait", l.wait), slog.Any("error", err))
		}
		settling = settling || soon
		seen[in.key] = l
	}
	m.desk.seen = seen
	return settling, nil
}

// takeUp makes the ready post of src when it is due and not done. An error is one
// that may pass: a full disk, a bucket out of reach.
func (m *Module) takeUp(ctx context.Context, src source, l *look, done map[string]bool) (settling bool, err error) {
	now := time.Now()
	if now.Before(l.again) || (l.id != "" && (!l.due || done[src.account()+"/"+l.id])) {
		return false, nil
	}
	data, err := m.bucket.Get(ctx, src.key)
	if errors.Is(err, bucket.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read next post: %w", err)
	}
	post, err := parse(data)
	var wrong *fault
	if errors.As(err, &wrong) && wrong.reason == readFailure && now.Sub(l.first) < settle {
		return true, nil
	}
	id := identityOf(src.key, data)
	if wrong == nil {
		if id, err = post.identity(src.key); err != nil {
			return false, err
		}
	}
	l.due = wrong != nil || post.due(now.Sub(l.modified) > claimed)
	if !l.due && post.status == statusProcessing {
		return false, nil // Another program's claim, which may run out.
	}
	if l.id = id; !l.due || done[src.account()+"/"+id] {
		return false, nil
	}
	if err := m.make(ctx, job{source: src, id: id, data: data, written: l.modified}); err != nil {
		return false, err
	}
	done[src.account()+"/"+l.id] = true
	return false, nil
}

// input is a next post in the listing.
type input struct {
	source
	modified time.Time
	size     int64
}

// inputs lists the next posts in the order in which they are worked on.
func (m *Module) inputs(ctx context.Context) ([]input, error) {
	var all []input
	for o, err := range m.bucket.List(ctx, inbox) {
		if errors.Is(err, bucket.ErrKey) {
			m.tellOnce(ctx, o.Key, err.Error())
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list next posts: %w", err)
		}
		src, ok := sourceOf(o.Key)
		if !ok {
			m.tellOnce(ctx, o.Key, "it is not next_posts/<platform>/<username>/<name>.json of a known platform")
			continue
		}
		all = append(all, input{src, o.Modified, o.Size})
	}
	slices.SortFunc(all, func(a, b input) int { return before(a.source, b.source) })
	return all, nil
}

// tellOnce warns of a key that is left alone, the first time that it is met.
func (m *Module) tellOnce(ctx context.Context, key, reason string) {
	if !m.desk.told[key] {
		m.desk.told[key] = true
		m.log.LogAttrs(ctx, slog.LevelWarn, "not a next post, left alone", slog.String("key", key), slog.String("reason", reason))
	}
}

// done lists the account/identity of what has a ready post or a failure record.
// Any doubt is an error: a ready post that was not seen would be made twice.
func (m *Module) done(ctx context.Context) (map[string]bool, error) {
	done := map[string]bool{}
	for _, prefix := range []string{outbox, aside} {
		for o, err := range m.bucket.List(ctx, prefix) {
			if errors.Is(err, bucket.ErrKey) {
				continue // Nothing that can lie there was written by us.
			}
			if err != nil {
				return nil, fmt.Errorf("list %s: %w", prefix, err)
			}
			if account, id, ok := readName(strings.TrimPrefix(o.Key, prefix)); ok {
				done[account+"/"+id] = true
			}
		}
	}
	return done, nil
}

// readName reads <platform>/<username>/<name>_<identity>.json.
func readName(key string) (account, id string, ok bool) {
	stem, isJSON := strings.CutSuffix(key, ".json")
	at := len(stem) - 9
	if !isJSON || at < 0 || stem[at] != '_' || strings.Trim(stem[at+1:], "0123456789abcdef") != "" {
		return "", "", false
	}
	return path.Dir(key), stem[at+1:], true
}
