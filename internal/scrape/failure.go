package scrape

import (
	"errors"
	"fmt"
	"slices"
)

// What can be wrong with the data of an account, each a different thing to do
// something about. Errors of this package carry one of them (errors.Is) and a
// whole sentence for the operator.
var (
	// ErrPrivate says that the account shows its posts to followers only.
	ErrPrivate = errors.New("account is private")
	// ErrEmpty says that the scrape is a good one and holds no posts.
	ErrEmpty = errors.New("account has no posts")
	// ErrNotAvailable says that the platform answered with an error instead of a profile.
	ErrNotAvailable = errors.New("account is not available")
	// ErrNoScrape says that nobody has scraped this account.
	ErrNoScrape = errors.New("no raw file")
	// ErrWrongPlatform says that the data is of another platform.
	ErrWrongPlatform = errors.New("raw file of another platform")
	// ErrOtherAccount says that the data is of another account.
	ErrOtherAccount = errors.New("raw file of another account")
	// ErrBroken says that the data is not JSON, ends in the middle, still grows,
	// or is no scrape at all.
	ErrBroken = errors.New("raw file is broken")
)

// AboutData reports whether err says something about an account's data, which
// trying again soon cannot change, and not about the machine or the network.
func AboutData(err error) bool {
	kinds := []error{ErrPrivate, ErrEmpty, ErrNotAvailable, ErrNoScrape, ErrWrongPlatform, ErrOtherAccount, ErrBroken}
	return slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
}

// failure is a sentence for the operator with what it is and what caused it.
type failure struct {
	text        string
	kind, cause error
}

func fail(kind, cause error, format string, args ...any) error {
	return &failure{fmt.Sprintf(format, args...), kind, cause}
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}
