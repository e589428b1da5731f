package stagewatch

import (
	"context"
	"errors"
	"testing"
)

// A failure of its own ends Follow, also one that tells of another context's end.
func TestFollowTellsWhyItEnded(t *testing.T) {
	home := t.TempDir()
	tr := open(t, home)
	tr.Start(1, "m", For("u"))
	settle(home)
	for name, fault := range map[string]error{"deadline": context.DeadlineExceeded, "cancelled": context.Canceled, "other": errors.New("other")} {
		if err := Follow(t.Context(), home, Position{}, func(Event) error { return fault }); !errors.Is(err, fault) {
			t.Errorf("%s: Follow = %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := Follow(ctx, home, Position{}, func(Event) error {
		cancel()
		return ctx.Err()
	})
	if err != nil {
		t.Errorf("after its context's end Follow = %v", err)
	}
}
