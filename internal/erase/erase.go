// Package erase takes an account's name, and what is known of it, out of records
// and files, without moving a byte of anything else: a masked name keeps its length.
package erase

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Account is whom to erase: platform and username, or a username alone for
// records that name no platform. Letter case tells nobody apart.
type Account struct {
	Platform string
	Username string
}

// Named returns the account that is shown as platform/username, or as username.
func Named(name string) Account {
	platform, username, found := strings.Cut(name, "/")
	if !found {
		return Account{Username: name}
	}
	return Account{Platform: platform, Username: username}
}

// String returns the account as it is shown.
func (a Account) String() string {
	if a.Platform == "" {
		return a.Username
	}
	return a.Platform + "/" + a.Username
}

// Is reports whether a record of platform and account is about a.
func (a Account) Is(platform, account string) bool {
	return account != "" && strings.EqualFold(Account{platform, account}.String(), a.String())
}

// Mask puts asterisks over the username in text, in place, wherever it stands as
// a word of its own in whatever case, and returns how often it did.
func (a Account) Mask(text []byte) int { return a.mask(text, 0, len(text)) }

// mask is Mask for the names that lie within text[from:to]; what stands around
// them counts for where a word begins and ends.
func (a Account) mask(text []byte, from, to int) int {
	name := []byte(a.Username)
	if len(name) == 0 {
		return 0
	}
	masked := 0
	for at := from; at+len(name) <= to; {
		end := at + len(name)
		if !bytes.EqualFold(text[at:end], name) || at > 0 && inName(text[at-1]) || end < len(text) && inName(text[end]) {
			at++
			continue
		}
		copy(text[at:end], bytes.Repeat([]byte{'*'}, len(name)))
		masked++
		at = end
	}
	return masked
}

// inName reports whether a username goes on with c.
func inName(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Masked reports whether a name is what is left of one that was erased.
func Masked(name string) bool { return name != "" && strings.Trim(name, "*") == "" }

// Owns reports whether an object is about the account: the username is a folder
// or the file's name in its key, somewhere below its platform.
func (a Account) Owns(key string) bool {
	below := false
	for part := range strings.SplitSeq(key, "/") {
		if below && (strings.EqualFold(part, a.Username) || strings.EqualFold(strings.TrimSuffix(part, path.Ext(part)), a.Username)) {
			return true
		}
		below = below || part == a.Platform
	}
	return false
}

// Folder masks the username in the files of a folder, as [Account.File] does.
// A folder that is not there holds none.
func (a Account) Folder(dir string) (masked int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("erase from a folder: %w", err)
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		n, err := a.File(filepath.Join(dir, entry.Name()))
		masked += n
		if err != nil {
			return masked, err
		}
	}
	return masked, nil
}

// File masks the username in a file, in place and while others may append to
// it, and returns how often it stood there. A file that is gone holds it no more.
func (a Account) File(name string) (masked int, err error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("erase from a file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// Blocks overlap by a name with one byte on each side of it.
	const block = 1 << 20
	buf := make([]byte, block+len(a.Username)+2)
	for at := int64(0); ; at += block {
		n, err := f.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return masked, fmt.Errorf("erase from a file: %w", err)
		}
		from, to := 1, len(buf)-1
		if at == 0 {
			from = 0
		}
		if n < len(buf) {
			to = n
		}
		more, err := a.patch(f, buf[:n], at, from, to)
		masked += more
		if err != nil || n < len(buf) {
			return masked, err
		}
	}
}

// patch masks the username in text[from:to], which stands at offset base of f.
func (a Account) patch(f *os.File, text []byte, base int64, from, to int) (int, error) {
	before := bytes.Clone(text)
	masked := a.mask(text, from, to)
	for at := 0; masked > 0 && at < len(text); at++ {
		if text[at] == before[at] {
			continue
		}
		if _, err := f.WriteAt(text[at:at+1], base+int64(at)); err != nil {
			return masked, fmt.Errorf("erase from a file: %w", err)
		}
	}
	return masked, nil
}
