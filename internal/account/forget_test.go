package account

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stagewatch/stagewatch/internal/content"
)

// While claimers claim, forget and let go, no two of them ever hold the account at once.
func TestForgetNeverGivesAnAccountToTwo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := content.Account{Platform: content.Twitter, Username: "somebody"}
	var inside, claims atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				release, err := Claim(dir, a)
				if errors.Is(err, ErrClaimed) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two hold the account")
				}
				claims.Add(1)
				for range 50 {
					runtime.Gosched() // long enough for another to come in
				}
				inside.Add(-1)
				if err := Forget(dir, a); err != nil {
					t.Error(err)
				}
				release()
			}
		})
	}
	wg.Wait()
	t.Log(claims.Load(), "claims")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
