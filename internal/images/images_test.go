package images

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		child(os.Args[2], os.Args[3], os.Args[4])
		return
	}
	goleak.VerifyTestMain(m)
}

// recorder keeps the reports of stages.
type recorder struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func newRecorder() *recorder { return &recorder{more: make(chan struct{}, 100)} }

func (r *recorder) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
	select {
	case r.more <- struct{}{}:
	default:
	}
}

func (r *recorder) Start(n int, account, message string) {
	r.add("start %d %s: %s", n, account, message)
}

func (r *recorder) Complete(n int, account, message string, _ map[string]any) {
	r.add("complete %d %s: %s", n, account, message)
}

func (r *recorder) Failed(n int, account, message string) {
	r.add("failed %d %s: %s", n, account, message)
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// has reports whether a line begins with prefix.
func (r *recorder) has(prefix string) bool {
	return slices.ContainsFunc(r.all(), func(l string) bool { return strings.HasPrefix(l, prefix) })
}

// wait returns when a line begins with prefix.
func (r *recorder) wait(t *testing.T, prefix string) {
	t.Helper()
	limit := time.After(time.Minute)
	for !r.has(prefix) {
		select {
		case <-r.more:
		case <-limit:
			t.Fatalf("no line %q in %q", prefix, r.all())
		}
	}
}

// shelf is a bucket in memory whose writes can be made to fail.
type shelf struct {
	mu      sync.Mutex
	objects map[string][]byte
	written map[string]time.Time
	full    error // of every write, when set
}

func newShelf() *shelf { return &shelf{objects: map[string][]byte{}, written: map[string]time.Time{}} }

func (s *shelf) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if data, ok := s.objects[key]; ok {
		return data, nil
	}
	return nil, bucket.ErrNotFound
}

func (s *shelf) Put(_ context.Context, key string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full != nil {
		return fmt.Errorf("put %s: %w", key, s.full)
	}
	s.objects[key], s.written[key] = slices.Clone(data), time.Now()
	return nil
}

func (s *shelf) PutNew(ctx context.Context, key string, data []byte) error {
	if _, err := s.Get(ctx, key); err == nil {
		return bucket.ErrExists
	}
	return s.Put(ctx, key, data)
}

func (s *shelf) List(_ context.Context, prefix string) iter.Seq2[bucket.Object, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bucket.Object
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(key, prefix) {
			all = append(all, bucket.Object{Key: key, Size: int64(len(s.objects[key])), Modified: s.written[key]})
		}
	}
	return func(yield func(bucket.Object, error) bool) {
		for _, o := range all {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// hits answers every search with itself.
type hits []content.Hit

func (h hits) Search(context.Context, Search) ([]content.Hit, error) { return h, nil }

func module(t *testing.T, b Bucket, stages Stages) *Module {
	t.Helper()
	m, err := New(Config{Bucket: b, Search: hits(nil), Stages: stages, Lock: filepath.Join(t.TempDir(), "lock"), Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func folder(t *testing.T) *bucket.Folder {
	t.Helper()
	b, err := bucket.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// keys lists what lies below prefix.
func keys(t *testing.T, b Bucket, prefix string) (all []string) {
	t.Helper()
	for o, err := range b.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o.Key)
	}
	return all
}

func put(t *testing.T, b Bucket, key, text string) {
	t.Helper()
	if err := b.Put(t.Context(), key, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// run runs m until the test ends or stop is called, which returns what Run did.
func run(t *testing.T, m *Module) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run = %v, want nil after a stop", err)
		}
	})
	return stop
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{Bucket: newShelf(), Search: hits(nil), Stages: newRecorder(), Lock: "x"}
	for name, change := range map[string]func(*Config){
		"Bucket":  func(c *Config) { c.Bucket = nil },
		"Search":  func(c *Config) { c.Search = nil },
		"Stages":  func(c *Config) { c.Stages = nil },
		"Lock":    func(c *Config) { c.Lock = "" },
		"Address": func(c *Config) { c.Address = "0.0.0.0:8090" },
		"host":    func(c *Config) { c.Address = "example.com:80" },
		"port":    func(c *Config) { c.Address = "127.0.0.1" },
		"any":     func(c *Config) { c.Address = ":8090" },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			if _, err := New(c); err == nil {
				t.Error("New took it")
			}
		})
	}
	for _, address := range []string{"", "127.0.0.1:0", "[::1]:9", "localhost:9"} {
		c := good
		c.Address = address
		if _, err := New(c); err != nil {
			t.Errorf("New with %q: %v", address, err)
		}
	}
}

func TestASecondInstanceIsRefusedAsRunning(t *testing.T) {
	stages := newRecorder()
	first := module(t, folder(t), stages)
	stop := run(t, first)
	stages.wait(t, "complete 0")

	quiet := newRecorder()
	second, err := New(Config{Bucket: folder(t), Search: hits(nil), Stages: quiet, Lock: first.lock, Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := second.Run(ctx); !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("second Run = %v, want ErrRunning that names process %d", err, os.Getpid())
	}
	if lines := quiet.all(); len(lines) > 0 {
		t.Errorf("the second instance reported %q", lines)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	run(t, second)
	quiet.wait(t, "complete 0")
}

func TestATaskThatEndsIsAnErrorAndStopsTheOthers(t *testing.T) {
	waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	boom := errors.New("boom")
	for name, ends := range map[string]func(context.Context) error{
		"with an error": func(context.Context) error { return boom },
		"silently":      func(context.Context) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			err := together(t.Context(), task{"one", waits}, task{"two", ends}, task{"three", waits})
			if err == nil || !strings.Contains(err.Error(), "two") || strings.Contains(err.Error(), "one") {
				t.Errorf("together = %v, want an error of two alone", err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := together(ctx, task{"one", waits}, task{"two", waits}); err != nil {
		t.Errorf("together after a stop = %v, want nil", err)
	}
}

// stopper is a folder that stops for ever at one of its writes.
type stopper struct {
	*bucket.Folder
	at string
}

// reach tells the parent that the moment has come and waits to be killed.
func (s stopper) reach(ctx context.Context, moment string) {
	if s.at == moment {
		_, _ = os.Stdout.WriteString("reached\n")
		<-ctx.Done()
	}
}

func (s stopper) Put(ctx context.Context, key string, data []byte) error {
	s.reach(ctx, "before image")
	err := s.Folder.Put(ctx, key, data)
	s.reach(ctx, "after image")
	return err
}

func (s stopper) PutNew(ctx context.Context, key string, data []byte) error {
	s.reach(ctx, "before json")
	err := s.Folder.PutNew(ctx, key, data)
	s.reach(ctx, "after json")
	return err
}

// child runs the module in a process of its own, to be killed at a moment.
func child(dir, lock, moment string) {
	b, err := bucket.Open(dir)
	if err != nil {
		os.Exit(2)
	}
	m, err := New(Config{Bucket: stopper{b, moment}, Search: hits(nil), Stages: newRecorder(), Lock: lock, Address: "127.0.0.1:0"})
	if err != nil {
		os.Exit(2)
	}
	if m.Run(context.Background()) != nil {
		os.Exit(1)
	}
}

// killAt runs the module in a child process and kills it when it reaches the moment.
func killAt(t *testing.T, dir, lock, moment string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // A moment that never comes ends the test.
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], "child", dir, lock, moment)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil {
		t.Fatal("the child was not killed")
	}
}

func TestKilledAtAnyMomentThereIsOnePairInTheEnd(t *testing.T) {
	for _, moment := range []string{"before image", "after image", "before json", "after json"} {
		t.Run(moment, func(t *testing.T) {
			dir, lock := t.TempDir(), filepath.Join(t.TempDir(), "lock")
			b, err := bucket.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			put(t, b, "next_posts/instagram/lumenskin/campaign_next_post_1.json", `{"caption": "Glow that lasts past midnight."}`)
			put(t, b, "next_posts/instagram/lumenskin/campaign_next_post_2.json", `{"caption": "A second post."}`)

			killAt(t, dir, lock, moment)
			stages := newRecorder()
			m, err := New(Config{Bucket: b, Search: hits(nil), Stages: stages, Lock: lock, Address: "127.0.0.1:0"})
			if err != nil {
				t.Fatal(err)
			}
			stop := run(t, m)
			stages.wait(t, "complete 4")
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			lookOnce(t, m)
			if got := keys(t, b, outbox); len(got) != 4 {
				t.Errorf("ready posts = %q, want two pairs", got)
			}
			lookOnce(t, m) // And looking again changes nothing.
			if got := keys(t, b, outbox); len(got) != 4 {
				t.Errorf("ready posts = %q after another look", got)
			}
		})
	}
}
