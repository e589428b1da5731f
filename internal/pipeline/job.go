package pipeline

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/clean"
	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/scrape"
)

// Job is what a run is started with.
type Job struct {
	Account content.Account `json:"account"`
	// Fresh asks for a fresh scrape although raw data is stored.
	Fresh bool `json:"fresh"`
	// Forced says that the operator asked for it by name, which the lines repeat.
	Forced bool `json:"forced,omitempty"`
	// Input is the SHA-256 of the AccountInfo file, "" in direct mode.
	Input string `json:"input,omitempty"`
	// Started is when the run was begun, UTC.
	Started time.Time `json:"started"`
}

// newRunID returns a new run's id: readable, and a good name for a file.
func newRunID(a content.Account) string {
	const random = 10
	return runPrefix(a) + strings.ToLower(rand.Text()[:random])
}

// runPrefix is how the ids of an account's runs begin.
func runPrefix(a content.Account) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, a.Username)
	return string(a.Platform) + "-" + name + "-"
}

// inputs turns what stage 1 left into what stage 2 reads.
func inputs(r scrape.Result) (main clean.Input, competitors []clean.Input) {
	for _, item := range r.Competitors {
		competitors = append(competitors, clean.Input{Username: item.Username, Key: item.Key, Missing: item.Missing})
	}
	return clean.Input{Username: r.Main.Username, Key: r.Main.Key, Missing: r.Main.Missing}, competitors
}

// hashes returns the raw objects that a run reads, key → SHA-256.
func hashes(r scrape.Result) map[string]string {
	all := map[string]string{r.Main.Key: r.Main.SHA256}
	for _, item := range r.Competitors {
		if item.Key != "" {
			all[item.Key] = item.SHA256
		}
	}
	return all
}
