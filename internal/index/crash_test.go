package index

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagewatch/stagewatch/internal/content"
)

// childIndex makes this test binary a process that adds posts until it is killed.
var childIndex = flag.String("child-index", "", "add posts to this index until killed; used by TestIndexSurvivesKill")

const postsPerAdd = 20

// TestChildAdds is the child's body; it does nothing in an ordinary run.
func TestChildAdds(t *testing.T) {
	if *childIndex == "" {
		return
	}
	s := opened(t, *childIndex, nil)
	for round := 0; ; round++ {
		var posts []content.Post
		for i := range postsPerAdd {
			posts = append(posts, post(fmt.Sprintf("%d-%d", round, i), "en", strings.Repeat(fmt.Sprintf("espresso %d ", i), 20)))
		}
		add(t, s, "northwind", posts...)
		if _, err := fmt.Fprintln(os.Stdout, "added", round); err != nil {
			return
		}
	}
}

// TestIndexSurvivesKill kills a writing process at many points: what it had
// acknowledged is there, nothing is there in part, and reading beside it never fails.
func TestIndexSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	for kill := range 6 {
		acknowledged := killAfter(t, path, 1+3*kill)
		s := opened(t, path, nil)
		var whole string
		if err := s.db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&whole); err != nil || whole != "ok" {
			t.Fatalf("integrity check = %q, %v", whole, err)
		}
		vectors, err := s.Vectors(t.Context(), "twitter", []string{"northwind"})
		if err != nil {
			t.Fatal(err)
		}
		rounds := map[string]int{}
		for _, v := range vectors {
			round, _, _ := strings.Cut(v.PostID, "-")
			rounds[round]++
		}
		for round, n := range rounds {
			if n != postsPerAdd {
				t.Errorf("kill %d: round %s is there with %d of %d posts", kill, round, n, postsPerAdd)
			}
		}
		if len(rounds) < acknowledged {
			t.Errorf("kill %d: %d rounds are there, %d were acknowledged", kill, len(rounds), acknowledged)
		}
	}
}

// killAfter lets a child add posts, reads the index beside it, kills the child
// after some rounds and returns how many it had acknowledged.
func killAfter(t *testing.T, path string, rounds int) int {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildAdds$", "-child-index="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "added ") {
			t.Fatalf("the child says %q", lines.Text())
		}
		acknowledged++
		if acknowledged == 1 {
			reader := opened(t, path, nil)
			if got := find(t, reader, Query{Text: "espresso", Accounts: []string{"northwind"}}); len(got) != 10 {
				t.Errorf("beside the writer a search finds %d posts, want 10", len(got))
			}
		}
		if acknowledged == rounds {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
	return acknowledged
}
