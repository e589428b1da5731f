package pipeline

import (
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
)

// Owns reports whether a run, or the executor that has it, is the account's.
func Owns(a content.Account, run, executor string) bool {
	random, found := strings.CutPrefix(strings.ToLower(run), strings.ToLower(runPrefix(a)))
	return found && !strings.Contains(random, "-") ||
		strings.EqualFold(executor, "direct/"+string(a.Platform)+"/"+a.Username)
}
