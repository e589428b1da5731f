package engine

import "sync"

// flights knows which runs are being worked on in this process, and why others
// cannot go on. DBOS knows only what is in the database. The zero value is ready.
type flights struct {
	mu     sync.Mutex
	live   map[string]chan struct{} // closed when the run leaves
	halted map[string]error
}

// enter notes that a run is being worked on until leave is called.
func (f *flights) enter(id string) (leave func()) {
	done := make(chan struct{})
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		f.live, f.halted = make(map[string]chan struct{}), make(map[string]error)
	}
	f.live[id] = done
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.live[id] == done {
			delete(f.live, id)
		}
		close(done)
	}
}

// halt notes why a run that is being worked on cannot go on.
func (f *flights) halt(id string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.halted[id] = err
}

// free forgets why a run cannot go on.
func (f *flights) free(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.halted, id)
}

// of returns a channel that is closed when the run leaves, nil if it is not being
// worked on, and why it cannot go on, nil if it can.
func (f *flights) of(id string) (<-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.live[id], f.halted[id]
}
