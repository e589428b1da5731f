package supervise

import (
	"os"
	"os/exec"
	"testing"
)

// Somebody who only reads the output (an operator who looks at it) is spared.
func TestOnlyWritersAreKilled(t *testing.T) {
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	defer to.Close()
	pipe, err := inode(to)
	if err != nil {
		t.Fatal(err)
	}
	reader, writer := exec.Command("sleep", "1000"), exec.Command("sleep", "1000")
	reader.Stdin, writer.Stdout = from, to
	for _, cmd := range []*exec.Cmd{reader, writer} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if n := killWriters(map[uint64]bool{pipe: true}); n != 1 {
		t.Errorf("killed %d, want the writer and not ourselves", n)
	}
	if err := writer.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the writer ended with %v", err)
	}
	if n := killWriters(map[uint64]bool{pipe: true}); n != 0 {
		t.Errorf("killed %d more", n)
	}
	if err := reader.Process.Kill(); err != nil { // would fail if it had been reaped
		t.Error(err)
	}
	_ = reader.Wait()
}
