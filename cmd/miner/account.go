package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

func (o *options) accountCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "account", GroupID: "work", Args: cobra.NoArgs, RunE: helpOnly,
		Short: "Add, list, retry and erase accounts",
	}
	cmd.AddCommand(o.accountAdd(), o.accountList(), o.accountRetry(), o.accountErase())
	return cmd
}

func (o *options) accountAdd() *cobra.Command {
	var flags accountFlags
	cmd := &cobra.Command{
		Use: "add PLATFORM/USERNAME", Args: cobra.RangeArgs(1, 2),
		Short:   "Add an account: a running miner takes it up at once",
		Example: "  miner account add instagram/fentybeauty --type branding --competitor maccosmetics",
	}
	flags.register(cmd, "type", "style")
	cmd.RunE = failing(func(cmd *cobra.Command, args []string) error {
		platform, username, err := account.ParseName(strings.Join(args, "/"))
		if err != nil {
			return &codedError{exitUsage, err}
		}
		a, err := flags.over(content.Account{Platform: platform, Username: username, Type: content.NonBranding})
		if err != nil {
			return &codedError{exitUsage, err}
		}
		c, err := o.made()
		if err != nil {
			return err
		}
		results, err := bucket.Open(c.Results())
		if err != nil {
			return err
		}
		created, err := account.Add(cmd.Context(), results, a)
		if err != nil {
			return err
		}
		path := filepath.Join(c.Results(), account.InfoKey(platform, username))
		if !created {
			return fmt.Errorf("account %s is there already: edit %s", a.Key(), path)
		}
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "added %s: %s\n", a.Key(), path)
		return nil
	})
	return cmd
}

// accountRow is an account as it is listed.
type accountRow struct {
	Account  string    `json:"account"`
	State    string    `json:"state"`
	Stage    int       `json:"stage,omitempty"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at,omitzero"`
	NextTry  time.Time `json:"next_try,omitzero"`
	Reason   string    `json:"reason,omitempty"`
}

func (o *options) accountList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "List the accounts and what became of them",
		RunE: failing(func(cmd *cobra.Command, _ []string) error {
			rows, err := o.accounts(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(rows)
			}
			if len(rows) == 0 {
				_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "no accounts: add one with: miner account add twitter/elonmusk")
				return nil
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "ACCOUNT\tSTATE\tATTEMPTS\tWHEN\tREASON")
			for _, r := range rows {
				when := ""
				if !r.At.IsZero() {
					when = r.At.Local().Format(time.DateTime)
				}
				_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", shown(r.Account, 2*widestName), shown(r.State, widestName), r.Attempts, when, shown(r.Reason, 0))
			}
			return w.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (o *options) accounts(cmd *cobra.Command) ([]accountRow, error) {
	c, err := o.existing()
	if err != nil {
		return nil, err
	}
	results, err := bucket.Open(c.Results())
	if err != nil {
		return nil, err
	}
	entries, err := account.Find(cmd.Context(), results)
	if err != nil {
		return nil, err
	}
	rows := []accountRow{}
	for _, e := range entries {
		row := accountRow{Account: e.Account.Key(), State: "pending"}
		if out := e.Outcome; out != nil {
			row.State, row.Stage, row.Attempts = string(out.State), out.Stage, out.Attempts
			row.At, row.NextTry, row.Reason = out.At, out.NextTry, out.Reason
		}
		if e.Err != nil {
			row.State, row.Reason = "unusable", e.Err.Error()
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (o *options) accountRetry() *cobra.Command {
	return &cobra.Command{
		Use: "retry PLATFORM/USERNAME", Args: cobra.RangeArgs(1, 2),
		Short:             "Let a failed account go on at once, from the stage that failed",
		ValidArgsFunction: o.completeAccounts,
		RunE: failing(func(cmd *cobra.Command, args []string) error {
			platform, username, err := account.ParseName(strings.Join(args, "/"))
			if err != nil {
				return &codedError{exitUsage, err}
			}
			c, err := o.existing()
			if err != nil {
				return err
			}
			results, err := bucket.Open(c.Results())
			if err != nil {
				return err
			}
			entry, err := account.Load(cmd.Context(), results, platform, username)
			if err != nil {
				return err
			}
			if entry == nil {
				return fmt.Errorf("no account %s/%s: miner account list shows those there are", platform, username)
			}
			return account.Retry(cmd.Context(), results, *entry)
		}),
	}
}

// completeAccounts offers the accounts of the home.
func (o *options) completeAccounts(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	rows, err := o.accounts(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, r := range rows {
		names = append(names, r.Account)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
