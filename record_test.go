package stagewatch

import (
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagewatch/stagewatch/internal/journal"
)

func TestProtocolRecords(t *testing.T) {
	type vector struct {
		Payload, Hex string
		Unreadable   bool
		Reads        map[string]any
	}
	for name, v := range vectors[vector](t, "records.json") {
		text := append([]byte(v.Payload), unhex(t, v.Hex)...)
		e, err := decode(journal.Record{Payload: text})
		if (err != nil) != v.Unreadable {
			t.Errorf("%s: %v", name, err)
		}
		if version, _, skimmed := skimEvent(text); (skimmed != nil || version > recordVersion) != v.Unreadable {
			t.Errorf("%s: verify says %v", name, skimmed)
		}
		bound(&e)
		written, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(written, &got); err != nil {
			t.Fatal(err)
		}
		for field, want := range v.Reads {
			if diff := cmp.Diff(want, got[field]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, field, diff)
			}
		}
	}
}

func TestProtocolOwners(t *testing.T) {
	type vector struct {
		Text                  string
		Owner, Gone, Inherits bool
	}
	other := exec.CommandContext(t.Context(), "sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = other.Process.Kill(), other.Wait() }() // it has nothing to say
	lives, err := ProcessOwner(other.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	is := strings.NewReplacer("{pid}", strconv.Itoa(lives.PID), "{start}", strconv.FormatUint(lives.Start, 10),
		"{boot}", lives.Boot, "{space}", strconv.FormatUint(lives.Space, 10))
	for name, v := range vectors[vector](t, "owners.json") {
		text := is.Replace(v.Text)
		named, err := ParseOwner(text)
		if (err == nil) != v.Owner || err == nil && named.Gone() != v.Gone {
			t.Errorf("%s: %+v, %v", name, named, err)
		}
		t.Setenv(envOwner, text)
		if o, inherits := inherited(); inherits != v.Inherits || inherits && o != lives {
			t.Errorf("%s: inherited %+v, %v", name, o, inherits)
		}
	}
}
