package stagewatch

import (
	"fmt"
	"strconv"
	"strings"
)

// By names the process in whose name a stage is recorded, instead of the
// calling one: for programs that report what another process does, as miner
// stage does for the script that calls it. When that process is gone, the stage
// is lost. The zero value changes nothing.
func By(owner Owner) Option { return option(func(e *Event) { e.Owner = owner }) }

// Of names the definition that the stage belongs to, one that is in the journal
// already, instead of the tracker's own.
func Of(definition string) Option { return option(func(e *Event) { e.Definition = definition }) }

// ProcessOwner returns the live process with the given number as an owner.
func ProcessOwner(pid int) (Owner, error) {
	boot, space, err := here()
	if err != nil {
		return Owner{}, err
	}
	start, ended, err := processStart(pid)
	if err != nil {
		return Owner{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	if ended {
		return Owner{}, fmt.Errorf("process %d has ended", pid)
	}
	return Owner{PID: pid, Start: start, Boot: boot, Space: space}, nil
}

// Gone reports whether the process is certainly no more. Of one in another pid
// namespace nothing can be said, unless the machine has booted since.
func (o Owner) Gone() bool {
	watch, err := newWatchman()
	return err == nil && watch.gone(o)
}

// String returns the form in which an owner is handed on in $MINER_OWNER:
// pid:start:boot:space.
func (o Owner) String() string {
	return fmt.Sprintf("%d:%d:%s:%d", o.PID, o.Start, o.Boot, o.Space)
}

// ParseOwner reads what [Owner.String] wrote.
func ParseOwner(text string) (Owner, error) {
	const parts = 4
	fields := strings.Split(text, ":")
	if len(fields) != parts {
		return Owner{}, fmt.Errorf("owner %q: want pid:start:boot:space", text)
	}
	pid, err := strconv.ParseUint(fields[0], 10, 31)
	if err != nil {
		return Owner{}, fmt.Errorf("owner %q: pid: %w", text, err)
	}
	start, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return Owner{}, fmt.Errorf("owner %q: start: %w", text, err)
	}
	space, err := strconv.ParseUint(fields[3], 10, 64)
	if err != nil {
		return Owner{}, fmt.Errorf("owner %q: space: %w", text, err)
	}
	if pid == 0 || fields[2] == "" {
		return Owner{}, fmt.Errorf("owner %q: names no process", text)
	}
	return Owner{PID: int(pid), Start: start, Boot: fields[2], Space: space}, nil
}
