package account

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stagewatch/stagewatch/internal/content"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "claim" {
		holdClaim(os.Args[2])
		return
	}
	goleak.VerifyTestMain(m)
}

func watched(t *testing.T, dir string, poll time.Duration) <-chan struct{} {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	changed, err := Watch(ctx, dir, poll)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		for range changed { // It is closed when all of it has stopped.
		}
	})
	return changed
}

func expect(t *testing.T, changed <-chan struct{}, what string) {
	t.Helper()
	began := time.Now()
	select {
	case <-changed:
		if took := time.Since(began); took > 5*time.Second { // 1 s is the promise; a busy test machine gets some air
			t.Errorf("%s was noticed after %v", what, took)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%s was not noticed", what)
	}
}

func TestANewAccountIsNoticedWithinASecond(t *testing.T) {
	b, dir := tasks(t)
	changed := watched(t, dir, time.Hour)
	key := InfoKey(content.Twitter, "acme")
	if err := b.Put(t.Context(), key, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	expect(t, changed, "a file put into new folders")
	if err := os.WriteFile(filepath.Join(dir, key), []byte(`{"a":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, changed, "a file written in place")
	whole := filepath.Join(t.TempDir(), "instagram")
	write(t, whole, "other/info.json", `{}`)
	if err := os.Rename(whole, filepath.Join(dir, Root, "instagram")); err != nil {
		t.Fatal(err)
	}
	expect(t, changed, "a whole folder moved in")
	write(t, dir, "AccountInfo/instagram/third/info.json", `{}`)
	expect(t, changed, "a file in a folder that came later")
}

func TestWhatWeWriteOurselvesIsNoNews(t *testing.T) {
	b, dir := tasks(t)
	key := InfoKey(content.Twitter, "acme")
	if err := b.Put(t.Context(), key, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	changed := watched(t, dir, 20*time.Millisecond)
	e := find1(t, b)[0]
	for range 3 {
		if err := Record(t.Context(), b, e, e.Begin("r", noon())); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-changed:
		t.Error("an outcome was reported as a changed account")
	case <-time.After(4 * quiet):
	}
	if err := b.Put(t.Context(), key, []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	expect(t, changed, "the next change")
}

func TestAChangeWithoutAnEventIsFoundByLooking(t *testing.T) {
	_, dir := tasks(t)
	root := filepath.Join(dir, Root)
	changed := watched(t, dir, 50*time.Millisecond)
	if err := os.RemoveAll(root); err != nil { // The watch goes with the folder.
		t.Fatal(err)
	}
	write(t, dir, "AccountInfo/twitter/acme/info.json", `{}`)
	expect(t, changed, "a file in a tree that was made anew")
}

func TestWithoutEventsLookingIsEnough(t *testing.T) {
	_, dir := tasks(t)
	ctx, stop := context.WithCancel(t.Context())
	changed := start(ctx, filepath.Join(dir, Root), nil, 20*time.Millisecond)
	write(t, dir, "AccountInfo/twitter/acme/info.json", `{}`)
	expect(t, changed, "a file on a system without watches")
	stop()
	for range changed { // It is closed when all of it has stopped.
	}
}

func TestWatchStopsWhenTold(t *testing.T) {
	_, dir := tasks(t)
	ctx, stop := context.WithCancel(t.Context())
	changed, err := Watch(ctx, dir, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if _, open := <-changed; open {
		t.Error("the channel gave a value, want it closed")
	}
	if _, err := Watch(t.Context(), dir, 0); err == nil {
		t.Error("Watch took a poll of zero")
	}
}

func claimed() content.Account {
	return content.Account{Platform: content.Twitter, Username: "Acme"}
}

func TestOnlyOneCanClaimAnAccount(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	release, err := Claim(dir, claimed())
	if err != nil {
		t.Fatal(err)
	}
	other := claimed()
	other.Username = "aCME"
	if _, err := Claim(dir, other); !errors.Is(err, ErrClaimed) {
		t.Errorf("a second Claim = %v, want ErrClaimed", err)
	}
	other.Platform = content.Facebook
	releaseOther, err := Claim(dir, other)
	if err != nil {
		t.Errorf("Claim of another account = %v", err)
	} else {
		releaseOther()
	}
	release()
	release()
	again, err := Claim(dir, claimed())
	if err != nil {
		t.Fatalf("Claim after release = %v", err)
	}
	again()
	if _, err := Claim(dir, content.Account{Platform: content.Twitter, Username: "../x"}); err == nil {
		t.Error("Claim took an impossible name")
	}
}

// holdClaim runs in a child process until it is killed.
func holdClaim(dir string) {
	if _, err := Claim(dir, claimed()); err != nil {
		os.Exit(1)
	}
	if _, err := os.Stdout.WriteString("claimed\n"); err != nil {
		os.Exit(1)
	}
	select {}
}

func TestAClaimEndsWithItsProcess(t *testing.T) {
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "claim", dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "claimed\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	if _, err := Claim(dir, claimed()); !errors.Is(err, ErrClaimed) {
		t.Errorf("Claim while the child lives = %v, want ErrClaimed", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // It ends with the signal that we sent.
	release, err := Claim(dir, claimed())
	if err != nil {
		t.Fatalf("Claim after kill -9 = %v", err)
	}
	release()
}
