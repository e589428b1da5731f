package stagewatch

import (
	"os"
	"os/exec"
	"sync"
	"testing"
)

func TestOwnerIsHandedOnAsText(t *testing.T) {
	o, err := ProcessOwner(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseOwner(o.String()); err != nil || got != o {
		t.Errorf("ParseOwner(%q) = %v, %v", o, got, err)
	}
	for _, text := range []string{"", "1", "1:2:boot", "x:2:boot:4", "-1:2:boot:4", "1:x:boot:4", "1:2:boot:x", "0:2:boot:4", "1:2::4", "1:2:boot:4:5"} {
		if got, err := ParseOwner(text); err == nil {
			t.Errorf("ParseOwner(%q) = %v, want an error", text, got)
		}
	}
}

// mortal starts a process, which ends with the test or when end is called.
func mortal(t *testing.T) (o Owner, end func()) {
	t.Helper()
	child := exec.Command("cat") // lives until its input ends
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		_ = in.Close()
		_ = child.Wait()
	})
	t.Cleanup(end)
	if o, err = ProcessOwner(child.Process.Pid); err != nil {
		t.Fatal(err)
	}
	return o, end
}

func TestOwnerIsGoneWithItsProcess(t *testing.T) {
	o, end := mortal(t)
	if o.Gone() {
		t.Errorf("%v is gone while it lives", o)
	}
	end()
	if !o.Gone() {
		t.Errorf("%v is not gone", o)
	}
	if _, err := ProcessOwner(o.PID); err == nil {
		t.Error("an ended process is an owner")
	}
}

func TestRecordInAnothersName(t *testing.T) {
	home := t.TempDir()
	tracker, err := Open(Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	defer tracker.Close()
	parent, err := ProcessOwner(os.Getppid())
	if err != nil {
		t.Fatal(err)
	}
	tracker.Start(1, "x", For("u"), By(parent), Of("Other"))
	tracker.Start(2, "x", For("v"), By(Owner{}))
	s, err := ReadState(home)
	if err != nil || len(s.Runs) != 2 {
		t.Fatal(s, err)
	}
	if r := s.Runs[0]; r.Owner != parent || r.Definition != "Other" {
		t.Errorf("recorded in the name of %v of %q, want %v of Other", r.Owner, r.Definition, parent)
	}
	if r := s.Runs[1]; r.Owner != tracker.Owner() {
		t.Errorf("recorded in the name of %v, want the caller's own", r.Owner)
	}
}
