package supervise

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Supervisor keeps the processes of its [Config] alive while Run runs.
type Supervisor struct {
	keepers []*keeper
	logs    map[string]*logFile
	guard   []string
	onEvent func(Event)
	ran     atomic.Bool
}

// New checks c and starts nothing. Its errors name the process and the field.
func New(c Config) (*Supervisor, error) {
	if len(c.Processes) == 0 {
		return nil, errors.New("supervise: no processes")
	}
	if len(c.Guard) > 0 && c.Guard[0] == "" {
		return nil, errors.New("supervise: the guard's command is empty")
	}
	if err := checkKernel(); err != nil {
		return nil, err
	}
	s := &Supervisor{guard: c.Guard, onEvent: c.OnEvent, logs: make(map[string]*logFile)}
	if s.onEvent == nil {
		s.onEvent = func(Event) {}
	}
	for _, given := range c.Processes {
		p, err := given.withDefaults()
		if err == nil {
			err = p.check()
		}
		if err != nil {
			return nil, fmt.Errorf("supervise: %w", err)
		}
		if s.logs[p.Name] != nil {
			return nil, fmt.Errorf("supervise: two processes have the name %s", p.Name)
		}
		s.logs[p.Name] = newLogFile(p.Name, p.Log)
		s.keepers = append(s.keepers, &keeper{
			process:  p,
			restarts: restarts{policy: p.Policy, random: rand.Float64},
			onEvent:  s.onEvent,
		})
	}
	return s, nil
}

// checkKernel finds out whether processes can be waited for by descriptor.
func checkKernel() error {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return fmt.Errorf("supervise: this kernel gives no process descriptors, Linux 5.4 or newer is needed: %w", err)
	}
	return unix.Close(fd)
}

// Run keeps all processes alive until ctx ends. Then it stops them all together:
// SIGTERM to each group, SIGKILL after the StopGrace or as soon as the leader has
// ended. It returns when nothing of them is left: nil, or an error that names
// what could not be stopped (a process that is stuck in the kernel) or closed (a
// log file). It fails at once if the guard cannot be started. It can be called
// once.
func (s *Supervisor) Run(ctx context.Context) error {
	if s.ran.Swap(true) {
		return errors.New("supervise: Run was called before")
	}
	guard, err := startGuard(s.guard, s.onEvent)
	if err != nil {
		return fmt.Errorf("supervise: start the guard: %w", err)
	}
	defer guard.stop()
	thread := startThread()
	defer thread.stop()
	l := &launcher{thread: thread, guard: guard, buffers: newBuffers(), logs: s.logs}

	errs := make([]error, len(s.keepers))
	var wg sync.WaitGroup
	for i, k := range s.keepers {
		k.launch = l.launch
		wg.Go(func() {
			if errs[i] = k.run(ctx); errs[i] == nil { // else something may still be written
				errs[i] = s.logs[k.process.Name].close()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Dropped says how many bytes of the output of the named process could not be
// written to its log file since Run began and, while that goes on, why.
func (s *Supervisor) Dropped(name string) (bytes int64, why error) {
	l := s.logs[name]
	if l == nil {
		return 0, nil
	}
	return l.dropped()
}
