// Package images is Module 2: it turns each next post into a designed picture
// with its JSON (a ready post), and answers questions about an account from the
// posts and figures that are stored.
//
// A next post belongs to whoever wrote it and is never changed, moved or deleted.
// That it is done is known from its ready post, whose name ends in the next post's
// identity; that it cannot be done, from a record under failed_posts/ named the
// same way. Both stand until somebody deletes them, which asks for the next post
// to be taken up again; so does a change of its words.
package images

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"time"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

// DefaultAddress is where queries are answered unless the configuration or a
// taken port says otherwise.
const DefaultAddress = "127.0.0.1:8090"

// ErrRunning says that another process holds the lock: it is neither a crash nor
// a success of this one, and starting it again changes nothing.
var ErrRunning = errors.New("another image generator is running")

// Bucket is what the module needs of the results bucket. One that also has
// Path(key) (string, error), as [bucket.Folder] has, is watched for changes; any
// other is looked at every ten seconds.
type Bucket interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, data []byte) error
	PutNew(ctx context.Context, key string, data []byte) error
	List(ctx context.Context, prefix string) iter.Seq2[bucket.Object, error]
}

// Search is what a Searcher is asked.
type Search struct {
	Text     string // in the asker's words
	Platform content.Platform
	Accounts []string // usernames whose posts may be found
	Limit    int      // most hits
}

// Searcher finds the posts that are closest to a text, best first. An account that
// is not indexed yet has no hits, which is no error.
type Searcher interface {
	Search(ctx context.Context, s Search) ([]content.Hit, error)
}

// Config is what a Module is made of. All but Address and Log is required.
type Config struct {
	Bucket  Bucket
	Search  Searcher
	Stages  Stages
	Lock    string       // path of the file whose kernel lock makes the module single; its folder must exist
	Address string       // loopback host:port to answer on, DefaultAddress when ""
	Log     *slog.Logger // nil logs nothing
}

// Module is the image generator and query handler.
type Module struct {
	bucket  Bucket
	search  Searcher
	stages  Stages
	lock    string
	address string
	log     *slog.Logger
	poll    time.Duration // between looks at the bucket, when nothing wakes it
	desk    desk
}

// New checks c. It opens and starts nothing: Run does.
func New(c Config) (*Module, error) {
	switch {
	case c.Bucket == nil:
		return nil, errors.New("images: Bucket is required")
	case c.Search == nil:
		return nil, errors.New("images: Search is required")
	case c.Stages == nil:
		return nil, errors.New("images: Stages is required")
	case c.Lock == "":
		return nil, errors.New("images: Lock is required")
	}
	if c.Address == "" {
		c.Address = DefaultAddress
	}
	if err := checkLoopback(c.Address); err != nil {
		return nil, fmt.Errorf("images: Address: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Module{
		bucket: c.Bucket, search: c.Search, stages: c.Stages, lock: c.Lock, address: c.Address, log: c.Log, poll: poll,
		desk: desk{seen: map[string]look{}, told: map[string]bool{}},
	}, nil
}

// Run works until ctx ends, then returns nil when all of it has stopped. It may be
// called once. ErrRunning comes back at once when another process holds the lock;
// a task that ends while ctx still lives stops the others and is an error.
func (m *Module) Run(ctx context.Context) (err error) {
	lock, err := takeLock(m.lock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()

	m.stages.Start(StageInitialization, "", "Starting image generator and query handler")
	listener, err := listen(ctx, m.address)
	if err != nil {
		m.stages.Failed(StageInitialization, "", err.Error())
		return fmt.Errorf("images: %w", err)
	}
	address := listener.Addr().String()
	m.stages.Complete(StageInitialization, "", "Answering queries on "+address, map[string]any{"address": address})

	wake := make(chan struct{}, 1)
	return together(ctx,
		task{"query handler", func(ctx context.Context) error { return m.serve(ctx, listener) }},
		task{"image generator", func(ctx context.Context) error { return m.generate(ctx, wake) }},
		task{"watch on next posts", func(ctx context.Context) error { return m.watch(ctx, wake) }},
	)
}

// task is a long-lived part of the module.
type task struct {
	name string
	run  func(context.Context) error
}

// together runs the tasks until ctx ends or one of them does, then waits for all.
// A task that ended by itself is an error even when it reports none.
func together(ctx context.Context, tasks ...task) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan error, len(tasks))
	for _, t := range tasks {
		go func() {
			err := t.run(ctx)
			if ctx.Err() == nil {
				cause := fmt.Errorf("images: %s ended", t.name)
				if err != nil {
					cause = fmt.Errorf("images: %s: %w", t.name, err)
				}
				stop(cause)
				err = cause
			} else if err != nil && errors.Is(err, ctx.Err()) {
				err = nil
			}
			ended <- err
		}()
	}
	var all error
	for range tasks {
		all = errors.Join(all, <-ended)
	}
	return all
}

// checkLoopback refuses an address that other machines could reach.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no host:port: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is not a loopback address: the query handler has no token", address)
	}
	return nil
}

// listen opens address, or a free port of the same host when it is taken.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil && taken(err) {
		host, _, splitErr := net.SplitHostPort(address)
		if splitErr != nil {
			return nil, splitErr
		}
		listener, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, fmt.Errorf("listen for queries: %w", err)
	}
	return listener, nil
}

// How long things may take.
const (
	poll      = 10 * time.Second
	settle    = 2 * time.Second        // how long a file that is no JSON may still be in writing
	gather    = 100 * time.Millisecond // from the first sign of a change to the look at it
	firstWait = 10 * time.Second       // before a passing fault is tried again; doubles each time
	longWait  = 10 * time.Minute
	claimed   = 15 * time.Minute // a status "processing" older than this is nobody's any more
)
