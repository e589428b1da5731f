package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/stagewatch/stagewatch"
	check "github.com/stagewatch/stagewatch/internal/journal"
)

func (o *options) verifyCommand() *cobra.Command {
	var repair, asJSON bool
	cmd := &cobra.Command{
		Use: "verify", GroupID: "look", Args: cobra.NoArgs,
		Short: "Check every record and seal of the journal",
		Long: `Check every record and seal of the journal, and say what was found.

It changes nothing and may run beside a miner. With --repair damaged bytes are
set aside into journal/set-aside, filler takes their place, and seals are made
anew; nothing is deleted, and what a repair found lost is told by every later
check (journal/repairs.jsonl).

Exit codes: 0 sound, apart from losses that a repair has told of; 1 something is
damaged or missing, with --repair: still; 2 wrong usage.`,
		RunE: failing(func(cmd *cobra.Command, _ []string) error {
			home, err := o.path()
			if err != nil {
				return err
			}
			return verify(cmd, home, repair, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "set damage aside and seal anew")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// verdict is what a check says, as JSON.
type verdict struct {
	Sound bool `json:"sound"`
	stagewatch.VerifyReport
}

func verify(cmd *cobra.Command, home string, repair, asJSON bool) error {
	work := stagewatch.Verify
	if repair {
		work = stagewatch.Repair
	}
	hush := patienceNote(cmd.ErrOrStderr(), filepath.Join(home, "journal"))
	found, err := work(home)
	hush()
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", " ")
		err = e.Encode(verdict{found.Sound(), found})
	} else {
		_, err = io.WriteString(out, harmless(findings(&found, repair)))
	}
	if err == nil && !found.Sound() {
		err = &codedError{exitFailure, nil}
	}
	return err
}

// findings returns what a check found, in sentences: what a repair did, a
// paragraph about the whole, and a line for everything that is wrong.
func findings(r *stagewatch.VerifyReport, repaired bool) string {
	var b strings.Builder
	for _, done := range r.Done {
		_, _ = fmt.Fprintf(&b, "Repaired: %s.\n", done)
	}
	if repaired && len(r.Done) == 0 {
		_, _ = fmt.Fprintln(&b, "There was nothing to repair.")
	}
	b.WriteString(overall(r))
	for _, n := range r.Repairs {
		b.WriteString(noted(n))
	}
	if r.Sound() {
		return b.String()
	}
	b.WriteByte('\n')
	for _, line := range faults(r) {
		_, _ = fmt.Fprintf(&b, "  %s\n", line)
	}
	if repaired {
		_, _ = fmt.Fprintln(&b, "\nThis stays: what is gone, or cannot be told from what was meant, no repair brings back.")
	} else {
		_, _ = fmt.Fprintln(&b, "\nminer verify --repair sets damage aside and seals anew.")
	}
	return b.String()
}

// noted is what a repair found lost.
func noted(n stagewatch.RepairNote) string {
	const most = 10 // findings that are listed
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "\nA repair at %s found:\n", n.Time.Local().Format(time.DateTime))
	if n.Status != "" {
		_, _ = fmt.Fprintf(&b, "  %s: %s.\n", stagewatch.StatusFile, n.Status)
	}
	for i, f := range n.Found {
		if i == most {
			_, _ = fmt.Fprintf(&b, "  … and %d more: --json lists them.\n", len(n.Found)-most)
			break
		}
		_, _ = fmt.Fprintf(&b, "  %s\n", sentence(f))
	}
	return b.String()
}

// overall is a paragraph about all that was looked at.
func overall(r *stagewatch.VerifyReport) string {
	j := &r.Journal
	word := "sound"
	if !r.Sound() {
		word = "not sound"
	}
	sentences := []string{fmt.Sprintf("The journal of %s is %s: %s of %s in %s, %s.", r.Home, word, many(j.Records, "record"),
		many(j.Writers, "writer"), many(j.Segments, "segment"), humanize.IBytes(uint64(max(j.Bytes, 0))))} //nolint:gosec // not negative
	add := func(holds bool, format string, a ...any) {
		if holds {
			sentences = append(sentences, fmt.Sprintf(format, a...))
		}
	}
	add(r.Erased > 0, "Of an erased account: %s.", many(r.Erased, "record"))
	add(j.Repeats > 0, "Written again after a seal or a fault, and counted once: %s.", many(j.Repeats, "record"))
	add(j.Counts[check.Fragment] > 0, "Passed over: %s of writes that were cut short.", many(j.Counts[check.Fragment], "fragment"))
	add(j.Counts[check.Mended] > 0, "Lost where a repair put filler: records of %s.", many(j.Counts[check.Mended], "writer"))
	add(r.Newer > 0, "Of a newer version than this program's: %s.", many(r.Newer, "record"))
	add(j.Counts[check.Unfinished] > 0, "The next keeper ends what was interrupted.")
	add(j.Counts[check.Stray] > 0, "Not the journal's: %s.", many(j.Counts[check.Stray], "file"))
	add(r.Sound() && len(r.Repairs) == 0, "Nothing that was acknowledged is known to be missing, and every seal fits.")
	add(r.Sound() && len(r.Repairs) > 0, "Every seal fits. Apart from what repairs found, nothing that was acknowledged is known to be missing.")
	return strings.Join(sentences, " ") + "\n"
}

// faults lists what is wrong.
func faults(r *stagewatch.VerifyReport) []string {
	const most = 50 // findings that are listed
	var all []string
	if r.Status != "" {
		all = append(all, stagewatch.StatusFile+": "+r.Status+".")
	}
	if n := r.Unreadable - r.Newer; n > 0 {
		all = append(all, many(n, "whole record")+" cannot be read: --json says where.")
	}
	for i, f := range r.Journal.Findings {
		if i == most {
			return append(all, fmt.Sprintf("… and more: --json lists the first %s.", humanize.Comma(check.MaxFindings)))
		}
		all = append(all, sentence(f))
	}
	return all
}

// many counts things: 1 record, 2,000 records.
func many[N int | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return humanize.Comma(int64(n)) + " " + thing + "s" //nolint:gosec // counts are far below
}

// sentence says one finding.
func sentence(f check.Finding) string {
	place := fmt.Sprintf("Segment %d, %s at byte %d", f.Segment, many(uint64(max(f.Length, 0)), "byte"), f.Offset) //nolint:gosec // not negative
	segment := fmt.Sprintf("Segment %d", f.Segment)
	records := fmt.Sprintf("Writer %s: record %d", f.Writer, f.N)
	if f.Count > 1 {
		records = fmt.Sprintf("Writer %s: records %d to %d", f.Writer, f.N, f.N+f.Count-1)
	}
	about := func(subject, text string) string {
		if f.Note != "" {
			return subject + " " + text + ": " + f.Note + "."
		}
		return subject + " " + text + "."
	}
	switch f.Kind {
	case check.Fragment:
		return about(place+":", "a record without its end: a write that was cut short, or the end of a file that was cut off")
	case check.Mended:
		return about(records, "lost where a repair put filler")
	case check.Unfinished:
		if f.Segment == 0 {
			return about("An interrupted work", "is ended by the next keeper")
		}
		return about(segment, "is not sealed yet; the next keeper does it")
	case check.Stray:
		return about("A file", "is not the journal's")
	case check.Damaged:
		return about(place+":", "damaged, the check fails")
	case check.Foreign:
		return about(place+":", "no writer puts such bytes there")
	case check.Lost:
		return about(records, "missing")
	case check.Disorder:
		return about(records, fmt.Sprintf("out of order (segment %d, byte %d)", f.Segment, f.Offset))
	case check.Mode:
		return about(segment, "is sealed and can be written to")
	case check.BadSeal:
		return about(segment, "does not fit its seal")
	case check.Chain:
		return about("The seal of segment "+fmt.Sprint(f.Segment), "does not follow from the one before")
	case check.Missing:
		if f.Count > 1 {
			return about(fmt.Sprintf("Segments %d to %d", f.Segment, f.Segment+f.Count-1), "are not there")
		}
		return about(segment, "is not there")
	case check.BadHeader:
		return about("journal.json", "is missing or damaged")
	case check.Unreadable:
		return about(segment, "cannot be read")
	}
	return f.String()
}

// patienceNote says on a terminal, once a second, that a journal is being read
// and how large it is. The function that it returns ends it.
func patienceNote(to io.Writer, dir string) (hush func()) {
	file, ok := to.(*os.File)
	if !ok {
		return func() {}
	}
	if _, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS); err != nil {
		return func() {}
	}
	var size uint64
	names, _ := filepath.Glob(filepath.Join(dir, "*.seg")) // only a bad pattern fails
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			size += uint64(max(info.Size(), 0)) //nolint:gosec // not negative
		}
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		began, said := time.Now(), false
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = fmt.Fprintf(file, "\rReading %s of records … %d s", humanize.IBytes(size), int(time.Since(began).Seconds()))
				said = true
			case <-quit:
				if said {
					_, _ = fmt.Fprint(file, "\r\x1b[K")
				}
				return
			}
		}
	}()
	return func() { close(quit); <-ended }
}
