package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/stagewatch/stagewatch"
	"github.com/stagewatch/stagewatch/internal/config"
	disk "github.com/stagewatch/stagewatch/internal/journal"
	"github.com/stagewatch/stagewatch/internal/pattern"
)

// setDurability writes what acknowledged records survive into the journal, from
// where every program that opens it reads it. A header that cannot be changed
// stops nothing: records are written all the same.
func setDurability(ctx context.Context, c config.Config, out *slog.Logger) {
	err := disk.SetDurability(filepath.Join(c.Home, "journal"), disk.Durability(c.Journal.Durability))
	if err != nil {
		warn(ctx, out, "⚠️  journal.durability is not in force: "+err.Error())
	}
}

// keeperConfig is how a home's keeper keeps it.
func keeperConfig(c config.Config) stagewatch.KeeperConfig {
	return stagewatch.KeeperConfig{RetainAge: c.Journal.KeepFor(), RetainBytes: c.Journal.KeepBytes()}
}

// definitions returns the definitions of miner.yaml by their names.
func definitions(c config.Config) (map[string]stagewatch.Definition, error) {
	all := map[string]stagewatch.Definition{}
	for _, given := range c.Definitions {
		d := stagewatch.Definition{Name: given.Name}
		for i, s := range given.Stages {
			number := i + 1
			if s.Number != nil {
				number = *s.Number
			}
			d.Stages = append(d.Stages, stagewatch.Stage{
				Number: number, Key: s.Key, Name: s.Name, Description: s.Description, Weight: s.Weight,
				Expected: s.Expected, StallAfter: s.StallAfter, Parts: s.Parts, Optional: s.Optional, Instant: s.Instant,
			})
		}
		text, err := json.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("%s: definition %q: %w", config.File, d.Name, err)
		}
		if all[d.Name], err = stagewatch.ParseDefinition(text); err != nil { // the tracker has the last word
			return nil, fmt.Errorf("%s: %w", config.File, err)
		}
	}
	return all, nil
}

// define records the definitions of miner.yaml, so that whoever uses one by its
// name finds it in the journal.
func (m *miner) define() error {
	for _, given := range m.config.Definitions {
		t, err := stagewatch.Open(stagewatch.Config{Home: m.config.Home, Definition: m.definitions[given.Name]})
		t.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// masks returns what hides secrets in the modules' output, and says what it
// cannot hide.
func masks(ctx context.Context, c config.Config, out *slog.Logger) (*pattern.Mask, error) {
	values, notes, err := c.SecretValues()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(c.Home, config.File), err)
	}
	for _, note := range notes {
		warn(ctx, out, "⚠️  "+note)
	}
	return pattern.NewMask(values), nil
}
