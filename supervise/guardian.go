package supervise

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// guardAnswers is how long the guard may leave its pipe full before it is
	// taken for stuck and replaced. The pipe holds some thousand lines.
	guardAnswers = time.Second
	// guardLeaves is how long it may take to end when all is done.
	guardLeaves = 2 * time.Second
)

// guardian is the supervisor's side of the guard: it starts it, tells it what
// to guard, and replaces it when it ends. A nil guardian guards nothing.
type guardian struct {
	command  []string
	onEvent  func(Event)
	restarts restarts
	stopping chan struct{}
	stopped  chan struct{}

	mu    sync.Mutex
	wards wards
	cmd   *exec.Cmd
	line  *os.File // to the guard that cmd is; nil if there is none
}

func startGuard(command []string, onEvent func(Event)) (*guardian, error) {
	if len(command) == 0 {
		return nil, nil //nolint:nilnil // a nil guardian is the one that guards nothing
	}
	g := &guardian{
		command:  command,
		onEvent:  onEvent,
		restarts: restarts{policy: Policy{}.withDefaults(), random: rand.Float64},
		stopping: make(chan struct{}),
		stopped:  make(chan struct{}),
		wards:    make(wards),
	}
	if err := g.start(); err != nil {
		return nil, err
	}
	go g.run()
	return g, nil
}

// start starts a guard. What there is to guard lies in its pipe before that, so
// there is no moment at which it runs and does not know.
func (g *guardian) start() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isStopping() {
		return errors.New("no longer needed")
	}
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	var all strings.Builder
	for w := range g.wards {
		all.WriteString(w.line('+'))
	}
	told, _ := put(to, all.String())                    // a pipe holds some thousand lines; the rest follows
	cmd := exec.Command(g.command[0], g.command[1:]...) //nolint:noctx // it outlives every context of ours
	cmd.Stdin, cmd.Env = from, []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = errors.Join(cmd.Start(), from.Close())
	if err != nil {
		return errors.Join(err, to.Close())
	}
	g.cmd, g.line = cmd, to
	g.tell(all.String()[told:])
	return nil
}

// run replaces the guard until stop.
func (g *guardian) run() {
	defer close(g.stopped)
	for {
		began := time.Now()
		g.emit(Event{Kind: GuardStarted, PID: g.cmd.Process.Pid})
		err := g.cmd.Wait()
		for ran := time.Since(began); ; ran = 0 {
			g.hangUp()
			if g.isStopping() {
				return
			}
			next := g.restarts.died(ran, time.Now())
			g.emit(Event{Kind: GuardEnded, Err: err, Wait: next.wait})
			if g.stopsWithin(next.wait) {
				return
			}
			if err = g.start(); err == nil {
				break
			}
		}
	}
}

// hangUp closes the line to a guard that has ended. It must not be done before:
// a guard that was only stuck would take it for the supervisor's death.
func (g *guardian) hangUp() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.line != nil {
		_ = g.line.Close() // nobody is left to read
		g.line = nil
	}
}

func (g *guardian) add(w ward)    { g.change(w, '+') }
func (g *guardian) remove(w ward) { g.change(w, '-') }

func (g *guardian) change(w ward, sign byte) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if sign == '+' {
		g.wards[w] = struct{}{}
	} else {
		delete(g.wards, w)
	}
	g.tell(w.line(sign))
}

// tell writes lines; a guard that does not take them is killed, so that it is
// replaced by one that is told everything. g.mu is held.
func (g *guardian) tell(lines string) {
	if g.line == nil {
		return
	}
	if _, err := put(g.line, lines); err != nil {
		_ = g.cmd.Process.Kill() // if it has ended by itself, all the better
	}
}

// put writes as much as the pipe takes before the guard would count as stuck.
func put(line *os.File, text string) (n int, err error) {
	if err := line.SetWriteDeadline(time.Now().Add(guardAnswers)); err != nil {
		return 0, err
	}
	return line.WriteString(text)
}

// stop lets the guard end. It is called when nothing is left to guard, or when
// what is left cannot be stopped: then the guard has a last try at it.
func (g *guardian) stop() {
	if g == nil {
		return
	}
	g.mu.Lock()
	close(g.stopping)
	if g.line != nil {
		_ = g.line.Close() // there is nothing more to say
		g.line = nil
	}
	g.mu.Unlock()
	timer := time.NewTimer(guardLeaves)
	defer timer.Stop()
	select {
	case <-g.stopped:
	case <-timer.C:
		_ = g.cmd.Process.Kill() // it may have just ended
		<-g.stopped
	}
}

func (g *guardian) isStopping() bool {
	select {
	case <-g.stopping:
		return true
	default:
		return false
	}
}

// stopsWithin says whether the supervisor stopped within d.
func (g *guardian) stopsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-g.stopping:
	case <-timer.C:
	}
	return g.isStopping()
}

func (g *guardian) emit(e Event) {
	e.Time = time.Now()
	if e.Kind == GuardEnded && e.Err == nil {
		e.Err = fmt.Errorf("exit code %d", g.cmd.ProcessState.ExitCode())
	}
	g.onEvent(e)
}
