package supervise

import (
	"strings"
	"testing"
	"time"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	good := func() Process {
		return Process{Name: "a", Command: []string{"true"}, Log: Log{Dir: "logs"}}
	}
	with := func(change func(*Process)) []Process {
		p := good()
		change(&p)
		return []Process{p}
	}
	tests := map[string]struct {
		processes []Process
		want      string // part of the error
	}{
		"no process":      {nil, "no processes"},
		"same name twice": {[]Process{good(), good()}, "two processes"},
		"no name":         {with(func(p *Process) { p.Name = "" }), "name"},
		"parent folder":   {with(func(p *Process) { p.Name = "../a" }), "name"},
		"slash":           {with(func(p *Process) { p.Name = "a/b" }), "name"},
		"dots":            {with(func(p *Process) { p.Name = ".." }), "name"},
		"newline in name": {with(func(p *Process) { p.Name = "a\n" }), "name"},
		"long name":       {with(func(p *Process) { p.Name = strings.Repeat("a", 65) }), "name"},
		"no command":      {with(func(p *Process) { p.Command = nil }), "command is empty"},
		"empty command":   {with(func(p *Process) { p.Command = []string{""} }), "command is empty"},
		"zero byte":       {with(func(p *Process) { p.Command = []string{"a", "b\x00"} }), "zero byte"},
		"no log folder":   {with(func(p *Process) { p.Log.Dir = "" }), "log directory"},
		"tiny log":        {with(func(p *Process) { p.Log.MaxSize = 4095 }), "too small"},
		"negative old":    {with(func(p *Process) { p.Log.Old = -1 }), "old log files"},
		"negative grace":  {with(func(p *Process) { p.StopGrace = -1 }), "stop grace"},
		"no variable":     {with(func(p *Process) { p.Env = []string{"secret"} }), "NAME=value"},
		"negative policy": {with(func(p *Process) { p.Policy.Window = -1 }), "policy"},
		"negative deaths": {with(func(p *Process) { p.Policy.Deaths = -1 }), "policy"},
		"backoff over maximum": {with(func(p *Process) {
			p.Policy.Backoff, p.Policy.BackoffMax = time.Minute, time.Second
		}), "maximum"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(Config{Processes: test.processes})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New(…) = %v, want an error with %q", err, test.want)
			}
		})
	}
	if _, err := New(Config{Processes: []Process{good()}, Guard: []string{""}}); err == nil {
		t.Error("New took an empty guard command")
	}
	if _, err := New(Config{Processes: []Process{good()}}); err != nil {
		t.Errorf("New(%+v) = %v", good(), err)
	}
}

func TestErrorsDoNotShowValuesOfVariables(t *testing.T) {
	p := Process{Name: "a", Command: []string{"true"}, Log: Log{Dir: "logs"}, Env: []string{"=hunter2"}}
	if _, err := New(Config{Processes: []Process{p}}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("New(…) = %v, want an error without the value", err)
	}
}

func TestRunIsForOnce(t *testing.T) {
	p := sh(t, "a", "exec sleep 1000")
	b := run(t, Config{Processes: []Process{p}})
	b.next(Started)
	if err := b.s.Run(t.Context()); err == nil {
		t.Error("Run ran twice")
	}
}
