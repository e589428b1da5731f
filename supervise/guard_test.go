package supervise

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestGuardKnowsWhatItWasTold(t *testing.T) {
	tests := map[string]struct {
		told string
		want wards
	}{
		"nothing":            {"", wards{}},
		"a group and output": {"+output 5\n+group 12\n", wards{{wardOutput, 5}: {}, {wardGroup, 12}: {}}},
		"gone":               {"+group 12\n+group 13\n-group 12\n", wards{{wardGroup, 13}: {}}},
		"torn last line":     {"+group 13\n+group 12", wards{{wardGroup, 13}: {}}},
		"everybody":          {"+group 1\n+group 0\n+group -1\n", wards{}},
		"no process number":  {"+group 4294967297\n", wards{}},
		"nonsense":           {"\n+\nx\n+group\n+group x\ngroup 5\n+pet 5\n+group 7\n", wards{{wardGroup, 7}: {}}},
		"long line":          {strings.Repeat("x", 10_000) + "\n+group 7\n", wards{{wardGroup, 7}: {}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := make(wards)
			if err := got.read(strings.NewReader(test.told)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(ward{})); diff != "" {
				t.Errorf("wards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGuardSaysWhyItCouldNotRead(t *testing.T) {
	broken := errors.New("broken")
	if err := make(wards).read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("read = %v, want %v", err, broken)
	}
}

// No input makes the guard kill itself, init or everybody, and what is written
// by one side is understood by the other.
func FuzzGuardProtocol(f *testing.F) {
	f.Add("+group 12\n-group 12\n", uint64(12))
	f.Add("+group 1\n+output 0\n", uint64(1))
	f.Fuzz(func(t *testing.T, told string, id uint64) {
		w := make(wards)
		if err := w.read(io.MultiReader(strings.NewReader(told))); err != nil {
			t.Fatal(err)
		}
		for each := range w {
			if each.kind == wardGroup && (each.id <= 1 || each.id > math.MaxInt32) {
				t.Fatalf("would kill %v", each)
			}
		}
		mine := ward{wardOutput, id}
		w.apply(strings.TrimSuffix(mine.line('+'), "\n"))
		if _, ok := w[mine]; !ok {
			t.Fatalf("%v is not there", mine)
		}
		w.apply(strings.TrimSuffix(mine.line('-'), "\n"))
		if _, ok := w[mine]; ok {
			t.Fatalf("%v is still there", mine)
		}
	})
}
