package supervise

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Config is what a [Supervisor] needs.
type Config struct {
	// Processes are kept alive, each by itself. At least one is required.
	Processes []Process
	// Guard is the command of the guard: it must call [Guard] with its standard
	// input and do nothing else. Without it the descendants of the processes
	// survive a kill -9 of this program. It runs with an empty environment.
	Guard []string
	// OnEvent is told what happens, if given. The calls for one process come
	// one after the other; calls for different processes may overlap. It must
	// not block for long: the process waits for it.
	OnEvent func(Event)
}

// Process is one command to keep alive.
type Process struct {
	// Name is unique, and the base of the name of its log file: letters,
	// digits, '.', '_' and '-', at most 64, the first a letter or a digit.
	Name string
	// Command is the program and its arguments. A program without a slash is
	// looked up in this program's PATH, at each start.
	Command []string
	// Dir is the working directory; empty means this program's.
	Dir string
	// Env is the whole environment, as NAME=value; nothing is added to it.
	Env []string
	// Log says where the output goes. Its Dir is required.
	Log Log
	// Output, if given, is called at each start of the process, with its pid and
	// its StartTime as in [Event], and returns what takes the output of that life
	// beside the log; nil: nothing does. It is called before any event tells of
	// the start. Write is called by one goroutine with the output as it is read,
	// in order: it must not wait for anything and not keep the slice, and its
	// results do not matter. Close is called once, after the last Write and
	// before Exited is told, which waits for it.
	Output func(pid int, startTime uint64) io.WriteCloser
	// Policy says when it is started again.
	Policy Policy
	// StopGrace is the time between SIGTERM and SIGKILL; 5 s if zero.
	StopGrace time.Duration
}

// Log is a set of files <Dir>/<name>.log, .log.1 (the newest old one), .log.2 …
// All of them together never take more than MaxSize × (Old + 1) bytes.
type Log struct {
	// Dir is made if it is missing.
	Dir string
	// MaxSize of one file in bytes; 16 MiB if zero, at least 4 KiB.
	MaxSize int64
	// Old is how many files are kept beside the one that is written; 5 if zero.
	Old int
}

// Policy says what follows when a process has died or could not be started.
// A zero field has the default that is given with it.
type Policy struct {
	// Healthy is the running time (10 s) after which a process counts as well:
	// its next start is immediate, and it has Backoff ahead of it again.
	Healthy time.Duration
	// Backoff is the wait (1 s) after a death that was not preceded by a healthy
	// time. It doubles with each further one up to BackoffMax (60 s). Each wait
	// is shortened by up to a quarter, at random, so that processes that died
	// together do not come back together.
	Backoff, BackoffMax time.Duration
	// Deaths within Window (10 within 10 min) are a crash loop: the process has
	// failed and is tried only every FailedEvery (10 min) until it has been
	// healthy once.
	Deaths              int
	Window, FailedEvery time.Duration
	// AlreadyRunning is the exit code that says "this runs elsewhere already":
	// no death, but tried again every AlreadyEvery (1 min). It is 75
	// (EX_TEMPFAIL of sysexits.h) if zero; a negative one never occurs.
	AlreadyRunning int
	AlreadyEvery   time.Duration
}

func (p Policy) withDefaults() Policy {
	p.Healthy = cmp.Or(p.Healthy, 10*time.Second)
	p.Backoff = cmp.Or(p.Backoff, time.Second)
	p.BackoffMax = cmp.Or(p.BackoffMax, max(p.Backoff, time.Minute))
	p.Deaths = cmp.Or(p.Deaths, 10)
	p.Window = cmp.Or(p.Window, 10*time.Minute)
	p.FailedEvery = cmp.Or(p.FailedEvery, 10*time.Minute)
	p.AlreadyRunning = cmp.Or(p.AlreadyRunning, 75)
	p.AlreadyEvery = cmp.Or(p.AlreadyEvery, time.Minute)
	return p
}

func (p Policy) check() error {
	shortest := min(p.Healthy, p.Backoff, p.BackoffMax, p.Window, p.FailedEvery, p.AlreadyEvery)
	switch {
	case shortest < 0 || p.Deaths < 0:
		return errors.New("policy: a negative value")
	case p.Backoff > p.BackoffMax:
		return fmt.Errorf("policy: backoff of %v is more than its maximum of %v", p.Backoff, p.BackoffMax)
	}
	return nil
}

// withDefaults fills in the defaults and makes the log directory absolute, so
// that a later change of the working directory moves nothing.
func (p Process) withDefaults() (Process, error) {
	p.Policy = p.Policy.withDefaults()
	p.StopGrace = cmp.Or(p.StopGrace, 5*time.Second)
	p.Log.MaxSize = cmp.Or(p.Log.MaxSize, 16<<20)
	p.Log.Old = cmp.Or(p.Log.Old, 5)
	if p.Log.Dir == "" {
		return p, nil // check says so
	}
	var err error
	if p.Log.Dir, err = filepath.Abs(p.Log.Dir); err != nil {
		return p, fmt.Errorf("process %s: log directory: %w", p.Name, err)
	}
	return p, nil
}

func (p Process) check() error {
	name := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	switch {
	case !name.MatchString(p.Name):
		return fmt.Errorf("process %q: the name must be 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit", p.Name)
	case len(p.Command) == 0 || p.Command[0] == "":
		return fmt.Errorf("process %s: the command is empty", p.Name)
	case p.Log.Dir == "":
		return fmt.Errorf("process %s: the log directory is missing", p.Name)
	case p.Log.MaxSize < 4<<10:
		return fmt.Errorf("process %s: a log file of %d bytes is too small: at least 4096", p.Name, p.Log.MaxSize)
	case p.Log.Old < 0:
		return fmt.Errorf("process %s: %d old log files", p.Name, p.Log.Old)
	case p.StopGrace < 0:
		return fmt.Errorf("process %s: stop grace of %v", p.Name, p.StopGrace)
	case strings.Contains(strings.Join(p.Command, "")+p.Dir, "\x00"):
		return fmt.Errorf("process %s: a zero byte in the command or directory", p.Name)
	}
	for _, variable := range p.Env {
		key, _, found := strings.Cut(variable, "=")
		if !found || key == "" || strings.Contains(variable, "\x00") {
			return fmt.Errorf("process %s: environment variable %q is not NAME=value", p.Name, key)
		}
	}
	if err := p.Policy.check(); err != nil {
		return fmt.Errorf("process %s: %w", p.Name, err)
	}
	return nil
}
