package stagewatch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// encode writes the state as its status file: one line for what is known of the
// whole, then one a run. Lines of runs that did not change since the last time
// are not made again.
func (s *State) encode(out io.Writer) error {
	head := *s
	head.Runs = nil
	head.list()
	text, err := json.Marshal(&head)
	if err != nil {
		return fmt.Errorf("encode status: %w", err)
	}
	before, whole := bytes.CutSuffix(text, []byte("]}")) // runs are the last field
	if !whole {
		return errors.New("encode status: it does not end with its runs")
	}
	w := bufio.NewWriterSize(out, 256<<10)
	_, _ = w.Write(before) // what a write meets is what Flush returns
	for i, r := range s.Runs {
		if r.encoded == nil {
			if r.encoded, err = json.Marshal(r); err != nil {
				return fmt.Errorf("encode status: run %s: %w", r.ID, err)
			}
		}
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_ = w.WriteByte('\n')
		_, _ = w.Write(r.encoded)
	}
	_, _ = w.WriteString("\n]}\n")
	return w.Flush()
}

// list makes lists of what JSON would show as null.
func (s *State) list() {
	s.Modules = append([]ModuleState{}, s.Modules...)
	s.Definitions = append([]Definition{}, s.Definitions...)
	s.Durations = append([]*StageTimes{}, s.Durations...)
	s.Runs = append([]*RunState{}, s.Runs...)
}

// tempName is the pattern of the names under which a status file is written.
const tempName = StatusFile + ".*.tmp"

// replaceFile puts a file in place whole: readers see the old one or the new
// one. With synced it is on the disk when replaceFile returns. Two processes
// that write the same file never mix: each has a name of its own until then.
func replaceFile(path string, synced bool, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), tempName)
	if err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	err = write(f)
	if err == nil && synced {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil && synced {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // of no use to anybody; gone already when the rename went well
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// sweepTemp removes what keepers that were killed left half written.
func sweepTemp(dirs ...string) {
	for _, dir := range dirs {
		left, _ := filepath.Glob(filepath.Join(dir, tempName)) // the pattern is well formed
		for _, path := range left {
			_ = os.Remove(path) // else the next keeper does
		}
	}
}
