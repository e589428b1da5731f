package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagewatch/stagewatch"
)

func (o *options) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", GroupID: "look", Args: cobra.NoArgs,
		Short: "Show what every module and account is doing",
		RunE: failing(func(cmd *cobra.Command, _ []string) error {
			home, err := o.path()
			if err != nil {
				return err
			}
			state, err := stagewatch.ReadState(home)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", " ")
				return e.Encode(state)
			}
			return showState(cmd.OutOrStdout(), state, time.Now())
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, in the form of the status file")
	return cmd
}

// showState writes the state as tables.
func showState(out io.Writer, s *stagewatch.State, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, minerLine(s, now))
	showModules(w, s, now)
	showRuns(w, s, now)
	if s.LastFailure != nil {
		showFailure(w, s.LastFailure, now)
	}
	showSkipped(w, s)
	return w.Flush()
}

// showFailure says what failed last, and how its module's output ended.
func showFailure(w io.Writer, f *stagewatch.Failure, now time.Time) {
	const most = 5 // lines of output
	subject := "no account"
	if f.Account != "" {
		subject = accountCell(f.Platform, f.Account)
	}
	_, _ = fmt.Fprintf(w, "\nLast failure, %s ago: %s, stage %s", age(now, f.At), subject, stageCell(f.Stage, f.Key, f.Name))
	if message := shown(f.Message, 0); message != "" {
		_, _ = fmt.Fprint(w, ": "+message)
	}
	_, _ = fmt.Fprintln(w)
	var last []string
	for line := range strings.Lines(f.Last) {
		if line = shown(line, widestText); line != "" {
			last = append(last, line)
		}
	}
	for _, line := range last[max(0, len(last)-most):] {
		_, _ = fmt.Fprintln(w, "  | "+line)
	}
}

// What a table shows of a text at most, in characters.
const (
	widestName = 40
	widestText = 80
)

// shown makes recorded text harmless and as wide as it may be, 0 for any width.
func shown(text string, widest int) string {
	text = strings.TrimRight(stagewatch.Plain(text), " ")
	if runes := []rune(text); widest > 0 && len(runes) > widest {
		return string(runes[:widest-1]) + "…"
	}
	return text
}

// harmless makes text of several lines harmless on a terminal.
func harmless(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = stagewatch.Plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

// accountCell names an account as a table shows it.
func accountCell(platform, username string) string {
	username = cmp.Or(shown(username, widestName), "-")
	if platform = shown(platform, widestName); platform != "" {
		return platform + "/" + username
	}
	return username
}

// stageCell names a stage as a table shows it; key is that of one without a number, else "".
func stageCell(number int, key, name string) string {
	if key != "" {
		return shown(key, widestName)
	}
	return strings.TrimRight(fmt.Sprint(number, " ", shown(name, widestName)), " ")
}

// showSkipped says what is missing in the tables, and why.
func showSkipped(w io.Writer, s *stagewatch.State) {
	for _, missing := range []struct {
		count uint64
		one   string
		many  string
	}{
		{s.Skipped.Damaged, "1 damaged record was skipped: run miner verify", "%d damaged records were skipped: run miner verify"},
		{s.Skipped.Unreadable, "1 record could not be read: it may come from a newer version", "%d records could not be read: they may come from a newer version"},
		{s.Skipped.Gaps, "1 segment was removed before it was read", "%d segments were removed before they were read"},
		{s.Dropped, "1 record was dropped by a program that could not write it", "%d records were dropped by programs that could not write them"},
	} {
		switch missing.count {
		case 0:
		case 1:
			_, _ = fmt.Fprintln(w, "\njournal: "+missing.one)
		default:
			_, _ = fmt.Fprintf(w, "\njournal: "+missing.many+"\n", missing.count)
		}
	}
}

func showModules(w io.Writer, s *stagewatch.State, now time.Time) {
	if len(s.Modules) > 0 {
		_, _ = fmt.Fprintln(w, "\nMODULE\tSTATE\tPID\tRESTARTS\tSINCE\tLAST EXIT\tWHY NOT RUNNING")
	}
	for _, m := range s.Modules {
		exit, pid := "-", "-"
		if m.LastExit != nil {
			exit = fmt.Sprintf("%s, %s ago", shown(m.LastExit.Reason, widestText), age(now, m.LastExit.At))
		}
		if m.PID != 0 {
			pid = fmt.Sprint(m.PID)
		}
		name := fmt.Sprintf("%d %s", m.Number, shown(m.Name, widestName))
		if m.Address != "" {
			name += " (" + shown(m.Address, widestText) + ")"
		}
		why := ""
		if m.State != stagewatch.ModuleRunning && (m.LastExit == nil || m.Reason != m.LastExit.Reason) { // the exit stands beside it
			why = shown(m.Reason, widestText)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", name, m.State, pid, m.Restarts, age(now, m.Since), exit, why)
	}
}

// showRuns shows the accounts, the one that changed last first.
func showRuns(w io.Writer, s *stagewatch.State, now time.Time) {
	runs := slices.Clone(s.Runs)
	slices.SortFunc(runs, func(a, b *stagewatch.RunState) int { return cmp.Compare(b.Order, a.Order) })
	runs = slices.DeleteFunc(runs, func(r *stagewatch.RunState) bool {
		return len(r.Stages) == 0 || r.Account == "" && r.Newest().Number == 0 && !r.Newest().Unknown // a module's own run: it is shown above
	})
	if len(runs) > 0 {
		_, _ = fmt.Fprintln(w, "\nACCOUNT\tSTAGE\tSTATE\tSINCE\tATTEMPT\tMESSAGE")
	}
	for _, r := range runs {
		stage := r.Newest()
		subject, key := accountCell(r.Platform, r.Account), ""
		if r.Definition != stagewatch.DefaultDefinition().Name {
			subject += " · " + shown(r.Definition, widestName)
		}
		if stage.Unknown {
			key = stage.Key
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", subject, stageCell(stage.Number, key, stage.Name), progress(stage),
			age(now, stage.Since), stage.Attempt, shown(stage.Message, widestText))
	}
}

// progress is the state of a stage, while it runs with how far it is. That a
// process ended between two stages is not told here: most scripts do.
func progress(s *stagewatch.StageState) string {
	switch {
	case s.State != stagewatch.StatusRunning || s.Done == 0 && s.Total == 0:
		return string(s.State)
	case s.Total == 0:
		return fmt.Sprintf("%s, %d", s.State, s.Done)
	}
	return fmt.Sprintf("%s, %d of %d", s.State, s.Done, s.Total)
}

func minerLine(s *stagewatch.State, now time.Time) string {
	switch s.Miner.State {
	case "running", "stopping":
		return fmt.Sprintf("miner %s for %s (pid %d, mode %s)", s.Miner.State, age(now, s.Miner.Since), s.Miner.Owner.PID, shown(s.Mode, widestName))
	case "lost":
		return fmt.Sprintf("miner is gone: pid %d, started %s ago, ended without a word", s.Miner.Owner.PID, age(now, s.Miner.Since))
	case "stopped":
		return fmt.Sprintf("miner stopped %s ago", age(now, s.Miner.Since))
	}
	return "no miner has run here: this is what scripts, programs and direct runs recorded"
}

// age says how long ago something was: 12s, 4m05s, 1h02m, 3d04h.
func age(now, then time.Time) string {
	d := now.Sub(then).Round(time.Second)
	switch {
	case then.IsZero():
		return "-"
	case d < 0:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}
