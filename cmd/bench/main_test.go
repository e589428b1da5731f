package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test binary stand in for the processes of a fleet.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == writerRole {
		os.Exit(report(os.Stderr, write(os.Stdin, os.Stdout)))
	}
	os.Exit(m.Run())
}

// A fleet loses nothing, and its table says what came of it.
func TestFleetIsCounted(t *testing.T) {
	var out bytes.Buffer
	b := bench{out: &out, records: 400, dir: t.TempDir()}
	if err := b.fleet(t.Context(), 4, true); err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(out.String())
	if !strings.HasPrefix(out.String(), "  4 and one stopped") || len(fields) < 3 || strings.Join(fields[len(fields)-2:], " ") != "0 0" {
		t.Errorf("the table says %q, want none lost and none out of order", out.String())
	}
}

func TestMedian(t *testing.T) {
	if got := (took{5, 1, 3}).at(0.5); got != 3 {
		t.Errorf("the median is %v, want 3", got)
	}
}
