package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stagewatch/stagewatch/internal/bucket"
	"github.com/stagewatch/stagewatch/internal/content"
)

// info is the info.json that Add writes.
type info struct {
	Username     string           `json:"username"`
	Platform     content.Platform `json:"platform"`
	AccountType  string           `json:"accountType,omitempty"`
	PostingStyle string           `json:"postingStyle,omitempty"`
	Competitors  []string         `json:"competitors"`
	Timezone     string           `json:"timezone,omitempty"`
}

// Add creates the AccountInfo file of a, and reports whether it did: a file that is
// there already stays as it is and gives false without an error. What Parse
// would refuse is refused here.
func Add(ctx context.Context, b Store, a content.Account) (created bool, err error) {
	data, err := infoOf(a)
	if err != nil {
		return false, fmt.Errorf("add account: %w", err)
	}
	checked, err := Parse(a.Platform, a.Username, data)
	if err != nil {
		return false, fmt.Errorf("add account: %w", err)
	}
	if data, err = infoOf(checked); err != nil { // With the handles as the platform writes them.
		return false, fmt.Errorf("add account: %w", err)
	}
	there, err := Load(ctx, b, checked.Platform, checked.Username)
	if err != nil {
		return false, fmt.Errorf("add account: %w", err)
	}
	if there != nil {
		return false, nil
	}
	err = b.PutNew(ctx, InfoKey(checked.Platform, checked.Username), data)
	if errors.Is(err, bucket.ErrExists) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("add account: %w", err)
	}
	return true, nil
}

// infoOf returns the info.json that says what a says.
func infoOf(a content.Account) ([]byte, error) {
	in := info{
		Username: a.Username, Platform: a.Platform, PostingStyle: a.Style,
		Competitors: append([]string{}, a.Competitors...), Timezone: a.Timezone,
	}
	if a.TypeGiven {
		in.AccountType = a.Type
	}
	data, err := json.MarshalIndent(in, "", "  ")
	return append(data, '\n'), err
}
