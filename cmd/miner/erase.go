package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/config"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/engine"
	"github.com/stagewatch/stagewatch/internal/erase"
	"github.com/stagewatch/stagewatch/internal/index"
	"github.com/stagewatch/stagewatch/internal/pipeline"
)

func (o *options) accountErase() *cobra.Command {
	var yes, dry, asJSON bool
	cmd := &cobra.Command{
		Use: "erase [PLATFORM/]USERNAME", Args: cobra.ExactArgs(1),
		Short: "Delete all that is stored about an account, and blank it in the journal",
		Long: `Erase deletes an account's AccountInfo folder, results, raw posts, index entries
and stored runs, and blanks its name, messages and details in the journal and
its name, as a word, in the logs. What is left in the journal says that some
account went through its stages, and when: miner verify stays green and counts
such records.

Name the account as miner status shows it, with its platform where it has one;
letter case does not matter. It cannot be undone. A miner may run meanwhile, but
not on this account.`,
		Example:           "  miner account erase twitter/somebody --dry-run\n  miner account erase twitter/somebody",
		ValidArgsFunction: o.completeAccounts,
		RunE: failing(func(cmd *cobra.Command, args []string) error {
			if args[0] == "" || erase.Masked(erase.Named(args[0]).Username) {
				return &codedError{exitUsage, fmt.Errorf("%q names no account", args[0])}
			}
			c, err := o.existing()
			if err != nil {
				return err
			}
			e := eraser{config: c, name: erase.Named(args[0])}
			if platform, username, err := account.ParseName(args[0]); err == nil {
				e.account = content.Account{Platform: platform, Username: username}
				e.name = erase.Account{Platform: string(platform), Username: username}
			}
			if dry {
				return e.preview(cmd)
			}
			if err := e.confirm(cmd, yes); err != nil {
				return err
			}
			done, err := e.run(cmd.Context())
			if asJSON {
				return errors.Join(json.NewEncoder(cmd.OutOrStdout()).Encode(done), err)
			}
			if err == nil {
				done.print(cmd.OutOrStdout())
			}
			return err
		}),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what would be erased")
	cmd.Flags().BoolVar(&asJSON, "json", false, "what was done, as JSON")
	return cmd
}

// eraser erases one account from one home.
type eraser struct {
	config  config.Config
	name    erase.Account
	account content.Account // zero for one of another pipeline, of which only the journal and the logs know
}

// erased is what was done.
type erased struct {
	Account string `json:"account"`
	stagewatch.Erased
	Files    int      `json:"files"`
	Posts    int      `json:"posts"`    // of the index
	Stored   int      `json:"stored"`   // runs of the engine
	Logs     int      `json:"logs"`     // places in logs
	Mentions []string `json:"mentions"` // objects of other accounts that still name it
}

// confirm asks, unless it was answered beforehand.
func (e eraser) confirm(cmd *cobra.Command, yes bool) error {
	if yes {
		return nil
	}
	in, ok := cmd.InOrStdin().(*os.File)
	if ok {
		_, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS)
		ok = err == nil
	}
	if !ok {
		return &codedError{exitUsage, fmt.Errorf("nobody can be asked here: give --yes to erase %s for good, --dry-run to see what that means", e.name)}
	}
	if err := e.foretell(cmd); err != nil {
		return err
	}
	_, _ = fmt.Fprint(cmd.ErrOrStderr(), "It cannot be undone. Erase it? [y/N] ")
	answer, _ := bufio.NewReader(in).ReadString('\n') // an end without an answer is a no
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was erased")
	}
	return nil
}

// foretell says what would be erased.
func (e eraser) foretell(cmd *cobra.Command) error {
	files, err := e.files(cmd.Context())
	if err != nil {
		return err
	}
	planned, err := stagewatch.Erasure(e.config.Home, e.name.String())
	if err != nil && !errors.Is(err, stagewatch.ErrNoJournal) {
		return err
	}
	if len(files) == 0 && planned == (stagewatch.Erased{}) {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "Nothing is known of %s: miner status shows how accounts are named. Only the logs would be searched.\n", e.name)
		return nil
	}
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "Erasing %s deletes %s with its index entries and stored runs, and blanks %s of the journal and its name in the logs.\n",
		e.name, many(len(files), "file"), many(planned.Records, "record"))
	return nil
}

func (e eraser) preview(cmd *cobra.Command) error {
	files, err := e.files(cmd.Context())
	if err != nil {
		return err
	}
	for _, f := range files {
		_, _ = fmt.Fprintln(cmd.OutOrStdout(), f.path())
	}
	if err := e.foretell(cmd); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "Nothing was done.")
	return nil
}

// object is one in a bucket.
type object struct {
	bucket *bucket.Folder
	dir    string
	key    string
}

func (o object) path() string { return filepath.Join(o.dir, filepath.FromSlash(o.key)) }

// files returns the account's objects: first its AccountInfo folder, so that no
// miner takes it up again.
func (e eraser) files(ctx context.Context) ([]object, error) {
	if e.account.Platform == "" {
		return nil, nil
	}
	var own []object
	err := e.objects(ctx, func(o object) error {
		if e.name.Owns(o.key) {
			own = append(own, o)
		}
		return nil
	})
	info := account.InfoKey(e.account.Platform, e.account.Username)
	slices.SortStableFunc(own, func(a, b object) int {
		first := func(o object) int {
			if strings.EqualFold(o.key, info) {
				return 0
			}
			return 1
		}
		return first(a) - first(b)
	})
	return own, err
}

func (e eraser) objects(ctx context.Context, each func(object) error) error {
	for _, dir := range []string{e.config.Results(), e.config.Raw()} {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		folder, err := bucket.Open(dir)
		if err != nil {
			return err
		}
		for o, err := range folder.List(ctx, "") {
			if err == nil {
				err = each(object{folder, dir, o.Key})
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// run erases the account everywhere. It goes on behind a fault, so that as much
// as possible is erased, and may be repeated.
func (e eraser) run(ctx context.Context) (done erased, err error) {
	done = erased{Account: e.name.String(), Mentions: []string{}}
	if e.account.Platform != "" {
		release, err := account.Claim(e.config.Locks(), e.account)
		if errors.Is(err, account.ErrClaimed) {
			return done, fmt.Errorf("erase %s: it is being worked on: wait until its run has ended, or stop the miner", e.name)
		}
		if err != nil {
			return done, err
		}
		defer release()
	}
	var faults []error
	try := func(work func() error) { faults = append(faults, work()) }
	try(func() error { return e.deleteFiles(ctx, &done) })
	try(func() (err error) { done.Posts, err = e.fromIndex(ctx); return err })
	try(func() (err error) { done.Stored, err = e.fromEngine(ctx); return err })
	try(func() (err error) { done.Erased, err = e.fromJournal(ctx); return err })
	try(func() (err error) { done.Logs, err = e.name.Folder(e.config.Logs()); return err })
	try(func() error { return e.mentions(ctx, &done) })
	if e.account.Platform != "" {
		try(func() error { return account.Forget(e.config.Locks(), e.account) })
	}
	return done, errors.Join(faults...)
}

func (e eraser) deleteFiles(ctx context.Context, done *erased) error {
	files, err := e.files(ctx)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := f.bucket.Delete(ctx, f.key); err != nil {
			return err
		}
		done.Files++
	}
	return nil
}

func (e eraser) fromIndex(ctx context.Context) (n int, err error) {
	if _, err := os.Stat(e.config.Index()); e.account.Platform == "" || errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	store, err := index.Open(index.Config{Path: e.config.Index()})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.Remove(ctx, string(e.account.Platform), e.account.Username)
}

func (e eraser) fromEngine(ctx context.Context) (int, error) {
	if e.account.Platform == "" {
		return 0, nil
	}
	return engine.Erase(ctx, e.config.Engine(), e.config.Locks(), func(run, executor string) bool {
		return pipeline.Owns(e.account, run, executor)
	})
}

// fromJournal blanks the account's records and has the status file follow.
func (e eraser) fromJournal(ctx context.Context) (done stagewatch.Erased, err error) {
	tracker, err := stagewatch.Open(stagewatch.Config{Home: e.config.Home})
	if err != nil {
		return done, err
	}
	defer tracker.Close()
	done, err = stagewatch.Erase(ctx, tracker, e.name.String())
	if err != nil {
		return done, err
	}
	return done, e.refreshStatus(ctx, tracker)
}

// refreshStatus returns when the status file and the copy of it that retention
// goes by name the account no more. Where nobody keeps the home, it does for a moment.
func (e eraser) refreshStatus(ctx context.Context, tracker *stagewatch.Tracker) error {
	const patience, again = 10 * time.Second, 50 * time.Millisecond
	keeper, err := stagewatch.NewKeeper(tracker, stagewatch.KeeperConfig{})
	if err == nil {
		ended, end := context.WithCancel(ctx)
		end()
		return errors.Join(keeper.Settle(ctx), keeper.Run(ended))
	}
	if !errors.Is(err, stagewatch.ErrKept) {
		return err
	}
	for began := time.Now(); ; <-time.After(again) {
		left, err := e.inStatus()
		if err != nil || left == "" || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if time.Since(began) > patience {
			return fmt.Errorf("%s is still in %s: a process goes on to report it, or the miner is slow: erase it again later", e.name, left)
		}
	}
}

// inStatus returns the first file that shows the account, "" when none does.
func (e eraser) inStatus() (string, error) {
	for _, path := range stagewatch.StatusFiles(e.config.Home) {
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if e.name.Mask(text) > 0 {
			return path, nil
		}
	}
	return "", nil
}

// mentions finds the objects of other accounts whose text names this one: they
// are whole only as they are, and a new run of theirs writes them anew.
func (e eraser) mentions(ctx context.Context, done *erased) error {
	return e.objects(ctx, func(o object) error {
		text, err := o.bucket.Get(ctx, o.key)
		if errors.Is(err, bucket.ErrNotFound) {
			return nil
		}
		if err == nil && e.name.Mask(text) > 0 {
			done.Mentions = append(done.Mentions, o.path())
		}
		return err
	})
}

func (d erased) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "erased %s: %s blanked, %s, %s and %s deleted, %s in logs masked\n", d.Account,
		many(d.Records, "record"), many(d.Files, "file"), many(d.Posts, "indexed post"), many(d.Stored, "stored run"), many(d.Logs, "place"))
	if len(d.Mentions) > 0 {
		_, _ = fmt.Fprintln(w, "other accounts' files still name it, as a competitor perhaps; a new run writes them anew:")
	}
	for _, path := range d.Mentions {
		_, _ = fmt.Fprintln(w, "  "+path)
	}
}
