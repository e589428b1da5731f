package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagewatch/stagewatch/internal/account"
	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/config"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/export"
)

func (o *options) resultsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "results [PLATFORM/USERNAME]", GroupID: "look", Args: cobra.RangeArgs(0, 2),
		Short:             "List the files that were made, of one account or of all",
		ValidArgsFunction: o.completeAccounts,
		RunE: failing(func(cmd *cobra.Command, args []string) error {
			c, results, err := o.bucket()
			if err != nil {
				return err
			}
			if len(args) > 0 {
				m, err := latest(cmd.Context(), results, args)
				if err != nil {
					return err
				}
				return listResults(cmd, c, m)
			}
			all, err := everything(cmd.Context(), results)
			if err != nil {
				return err
			}
			for _, m := range all {
				if err := listResults(cmd, c, m); err != nil {
					return err
				}
			}
			if len(all) == 0 {
				_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "no results yet: miner status shows what is being worked on")
			}
			return nil
		}),
	}
}

// everything returns the newest published run of every account.
func everything(ctx context.Context, results *bucket.Folder) (all []export.Manifest, err error) {
	for _, platform := range content.Platforms() {
		names, err := published(ctx, results, platform)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			m, err := export.Latest(ctx, results, platform, name)
			if errors.Is(err, bucket.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			all = append(all, m)
		}
	}
	return all, nil
}

func (o *options) showCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show PLATFORM/USERNAME", GroupID: "look", Args: cobra.RangeArgs(1, 2),
		Short:             "Show an account's plan as text",
		ValidArgsFunction: o.completeAccounts,
		RunE: failing(func(cmd *cobra.Command, args []string) error {
			_, results, err := o.bucket()
			if err != nil {
				return err
			}
			m, err := latest(cmd.Context(), results, args)
			if err != nil {
				return err
			}
			plan, posts, err := export.Read(cmd.Context(), results, m)
			if err != nil {
				return err
			}
			return export.Text(cmd.OutOrStdout(), plan, posts)
		}),
	}
}

func (o *options) openCommand() *cobra.Command {
	return &cobra.Command{
		Use: "open PLATFORM/USERNAME", GroupID: "look", Args: cobra.RangeArgs(1, 2),
		Short:             "Open an account's report in a browser, or say where it is",
		ValidArgsFunction: o.completeAccounts,
		RunE: failing(func(cmd *cobra.Command, args []string) error {
			c, results, err := o.bucket()
			if err != nil {
				return err
			}
			m, err := latest(cmd.Context(), results, args)
			if err != nil {
				return err
			}
			key, ok := m.Own(export.SectionReport)
			if !ok {
				return fmt.Errorf("run %s made no report", m.Run)
			}
			path := filepath.Join(c.Results(), key)
			if os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "" {
				if browser, err := exec.LookPath("xdg-open"); err == nil && exec.CommandContext(cmd.Context(), browser, path).Run() == nil {
					return nil
				}
			}
			_, _ = fmt.Fprintln(cmd.OutOrStdout(), path)
			return nil
		}),
	}
}

func (o *options) bucket() (config.Config, *bucket.Folder, error) {
	c, err := o.existing()
	if err != nil {
		return c, nil, err
	}
	results, err := bucket.Open(c.Results())
	return c, results, err
}

// latest returns the newest published run of the account that the arguments name.
func latest(ctx context.Context, results *bucket.Folder, args []string) (export.Manifest, error) {
	platform, username, err := account.ParseName(strings.Join(args, "/"))
	if err != nil {
		return export.Manifest{}, &codedError{exitUsage, err}
	}
	m, err := export.Latest(ctx, results, platform, username)
	if errors.Is(err, bucket.ErrNotFound) {
		return m, fmt.Errorf("account %s/%s has no results yet: miner status shows what is being worked on, miner process makes them now", platform, username)
	}
	return m, err
}

// published returns the usernames of a platform that have a manifest.
func published(ctx context.Context, results *bucket.Folder, platform content.Platform) ([]string, error) {
	var names []string
	prefix := "manifests/" + string(platform) + "/"
	for o, err := range results.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(o.Key, prefix), "/")
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return names, nil
}

func listResults(cmd *cobra.Command, c config.Config, m export.Manifest) error {
	_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s/%s  run %s of %s\n", shown(m.Platform, 0), shown(m.Username, 0), shown(m.Run, 0), m.Published.Local().Format("2006-01-02 15:04"))
	for _, o := range m.Objects {
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "  %s\n", harmless(filepath.Join(c.Results(), o.Key)))
	}
	return nil
}

// absolute returns a path that holds after a change of folder.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}
