package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/stagewatch/stagewatch/internal/bucket"
)

// State says how far an account came.
type State string

// The states of an account. Processing in a file whose account nobody has claimed
// means that the work was interrupted.
const (
	Processing State = "processing"
	Processed  State = "processed"
	Failed     State = "failed"
	Stopped    State = "stopped" // by the operator, to go on at the next start
)

// Outcome is what became of an account, stored as status.json beside its
// info.json. All times are UTC.
type Outcome struct {
	State State  `json:"state"`
	Run   string `json:"run,omitempty"`
	// Stage is the stage at which it failed or stopped.
	Stage  int    `json:"stage,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Permanent says that no retry can help until the info.json is changed.
	Permanent bool `json:"permanent"`
	// Input is the SHA-256 of the info.json that was worked on, in hex.
	Input string `json:"input_sha256"`
	// Attempts counts the tries since the last success or change of the input.
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at"`
	// NextTry is when a failed account is due again; zero means at once.
	NextTry time.Time `json:"next_try,omitzero"`
}

// Cause says what kind of thing made an account fail, and so when to try again.
type Cause int

const (
	// Transient is trouble of the machine or the network (a full disk, a time-out):
	// tried again after a minute, then after twice as long each time, at most an hour.
	Transient Cause = iota
	// Data is what the platform's data say (private, empty, no scrape stored): tried
	// again after six hours, because profiles become public and scrapes arrive, but
	// seldom at once.
	Data
	// Permanent is what only a changed info.json can mend: not tried again.
	Permanent
)

// The times of the retry policy.
const (
	FirstRetry = time.Minute
	LastRetry  = time.Hour
	DataRetry  = 6 * time.Hour
)

// delay returns how long to wait after the given number of tries.
func (c Cause) delay(attempts int) time.Duration {
	if c == Data {
		return DataRetry
	}
	d := FirstRetry
	for i := 1; i < attempts && d < LastRetry; i++ {
		d *= 2
	}
	return min(d, LastRetry)
}

// Begin returns the outcome to record when run starts to work on the account, or
// goes on after an interruption, which is no try of its own.
func (e Entry) Begin(run string, now time.Time) Outcome {
	attempts := e.tried()
	if o := e.Outcome; attempts == 0 || o.State != Processing || o.Run != run {
		attempts++
	}
	return Outcome{State: Processing, Run: run, Input: e.Input, Attempts: attempts, At: now.UTC()}
}

// tried returns how often this input was tried since its last success.
func (e Entry) tried() int {
	if e.Outcome == nil || e.Outcome.Input != e.Input || e.Outcome.State == Processed {
		return 0
	}
	return e.Outcome.Attempts
}

// Done returns the outcome that follows o when its run ended well.
func (o Outcome) Done(now time.Time) Outcome {
	return Outcome{State: Processed, Run: o.Run, Input: o.Input, Attempts: o.Attempts, At: now.UTC()}
}

// Fail returns the outcome that follows o when its run failed at stage.
func (o Outcome) Fail(stage int, reason string, cause Cause, now time.Time) Outcome {
	o.State, o.Stage, o.Reason, o.At = Failed, stage, reason, now.UTC()
	o.Permanent, o.NextTry = cause == Permanent, time.Time{}
	if !o.Permanent {
		o.NextTry = o.At.Add(cause.delay(o.Attempts))
	}
	return o
}

// Stop returns the outcome that follows o when the operator stopped its run at
// stage. The try does not count.
func (o Outcome) Stop(stage int, now time.Time) Outcome {
	return Outcome{State: Stopped, Run: o.Run, Stage: stage, Input: o.Input, Attempts: max(o.Attempts-1, 0), At: now.UTC()}
}

// Due reports whether the account of e is to be worked on at now: it can be used,
// and it has no outcome yet, or its info.json changed since, or it was interrupted
// or stopped, or it failed and its next try has come. Somebody may be working on
// it at this moment: who gets the Claim knows.
//
// A raw scrape that arrives does not make an account due by itself; Retry does.
func Due(e Entry, now time.Time) bool {
	at, due := dueFrom(e)
	return due && !now.Before(at)
}

// dueFrom returns from when on the account is due, zero for at once, and false when
// it never will be. Only a retry is a matter of the clock: a file may carry any time.
func dueFrom(e Entry) (time.Time, bool) {
	o := e.Outcome
	switch {
	case e.Err != nil:
		return time.Time{}, false
	case o == nil || o.Input != e.Input:
		return time.Time{}, true
	case o.State == Processed, o.State == Failed && o.Permanent:
		return time.Time{}, false
	}
	return o.NextTry, true // Zero when processing or stopped.
}

// waitingSince orders the accounts that are due.
func waitingSince(e Entry) time.Time {
	o := e.Outcome
	switch {
	case o == nil || o.Input != e.Input:
		return e.Modified
	case o.State == Failed:
		return o.NextTry
	}
	return o.At
}

// NextDue returns when the next account becomes due, the zero time when one is due
// at once, and false when none will without a change of its file.
func NextDue(entries []Entry) (next time.Time, found bool) {
	for _, e := range entries {
		at, ever := dueFrom(e)
		if ever && (!found || at.Before(next)) {
			next, found = at, true
		}
	}
	return next, found
}

// Record stores o as the outcome of e. The info.json is not touched.
func Record(ctx context.Context, b Store, e Entry, o Outcome) error {
	data, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return fmt.Errorf("record outcome of %s: %w", e.Account.Key(), err)
	}
	if err := b.Put(ctx, e.StatusKey(), append(data, '\n')); err != nil {
		return fmt.Errorf("record outcome of %s: %w", e.Account.Key(), err)
	}
	return nil
}

// ErrNotFailed says that there is no failure that a retry could repeat.
var ErrNotFailed = errors.New("it has not failed")

// Retry makes a failed account due at once, a permanent failure too. The count of
// attempts begins anew. ErrNotFailed comes back when it had not failed.
func Retry(ctx context.Context, b Store, e Entry) error {
	if e.Err != nil {
		return fmt.Errorf("retry %s: %w", e.Account.Key(), e.Err)
	}
	if e.Outcome == nil || e.Outcome.State != Failed {
		return fmt.Errorf("retry %s: %w", e.Account.Key(), ErrNotFailed)
	}
	o := *e.Outcome
	o.Permanent, o.NextTry, o.Attempts = false, time.Time{}, 0
	if err := Record(ctx, b, e, o); err != nil {
		return err
	}
	asked := fmt.Appendf(nil, "{\"asked\": %q}\n", time.Now().UTC().Format(time.RFC3339))
	if err := b.Put(ctx, path.Join(path.Dir(e.StatusKey()), retryFile), asked); err != nil {
		return fmt.Errorf("retry %s: %w", e.Account.Key(), err)
	}
	return nil
}

// retryFile lies beside the outcome and is written to wake who watches; it
// holds when a retry was last asked for.
const retryFile = "retry.json"

// readOutcome returns the outcome stored under key, nil when there is none. A file
// that is no outcome counts as none: it is ours, and the next one replaces it.
func readOutcome(ctx context.Context, b Store, key string) (*Outcome, error) {
	data, err := b.Get(ctx, key)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read outcome: %w", err)
	}
	var o Outcome
	if err := json.Unmarshal(data, &o); err != nil || o.State == "" {
		return nil, nil //nolint:nilerr // What cannot be read says nothing.
	}
	return &o, nil
}
