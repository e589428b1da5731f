package account

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stagewatch/stagewatch/internal/content"
)

// CheckPlatform returns nil when name is a platform whose raw scrapes are understood.
func CheckPlatform(name string) error {
	var known []string
	for _, p := range content.Platforms() {
		if string(p) == name {
			return nil
		}
		known = append(known, string(p))
	}
	return fmt.Errorf("platform %s is not known: there are %s", shown(name), strings.Join(known, ", "))
}

// CheckUsername returns name as the platform writes it, or the reason why it
// cannot be a username there. What it returns is safe in a path and in a log.
//
// The name is returned as it is, with the operator's letter case; only Instagram,
// whose handles have no case, is trimmed and lower-cased. Letters and digits
// are ASCII. Instagram has dots and underscores and at most 30 characters. X has
// underscores and at most 15, a few old accounts up to 20. Facebook has dots, and
// hyphens and underscores in the addresses of pages, and at most 100.
func CheckUsername(platform content.Platform, name string) (string, error) {
	if err := CheckPlatform(string(platform)); err != nil {
		return "", err
	}
	if platform == content.Instagram {
		name = strings.ToLower(strings.TrimSpace(name))
	}
	others, longest := handleRule(platform)
	if reason := usernameFault(name, others, longest); reason != "" {
		return "", fmt.Errorf("username %s cannot be used on %s: %s", shown(name), platform, reason)
	}
	return name, nil
}

// handleRule returns which characters a platform has beside letters and digits,
// and how many it allows in all.
func handleRule(platform content.Platform) (others string, longest int) {
	switch platform {
	case content.Instagram:
		return "._", 30
	case content.Facebook:
		return "._-", 100
	default:
		return "_", 20
	}
}

func usernameFault(name, others string, longest int) string {
	switch {
	case name == "":
		return "it is empty"
	case !utf8.ValidString(name):
		return "it is not valid UTF-8"
	case strings.HasPrefix(name, "@"):
		return "write it without the @"
	case strings.TrimSpace(name) != name:
		return "it begins or ends with a blank"
	}
	for _, r := range name {
		if reason := runeFault(r, others); reason != "" {
			return reason
		}
	}
	switch {
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "."):
		return "it begins or ends with a dot"
	case strings.Contains(name, ".."):
		return "it has two dots in a row"
	case len(name) > longest:
		return fmt.Sprintf("it has %d characters, more than %d", len(name), longest)
	}
	return ""
}

func runeFault(r rune, others string) string {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(others, r):
		return ""
	case r == '/' || r == '\\':
		return "it holds a slash (give the handle only, not an address)"
	case r == 0:
		return "it holds a NUL"
	case unicode.IsControl(r):
		return "it holds a control character"
	case unicode.IsSpace(r):
		return "it holds a blank"
	}
	return fmt.Sprintf("it holds %q: only letters a–z, digits and %s are possible", r, strings.Join(strings.Split(others, ""), " "))
}

// shown quotes a name from outside so that it can stand in a message: escaped, and
// not longer than a reader wants.
func shown(name string) string {
	const enough = 60
	if len(name) <= enough {
		return fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(name[:enough], ""))
}

// ParseName splits platform/username, as in twitter/elonmusk, and checks both.
func ParseName(name string) (content.Platform, string, error) {
	before, after, found := strings.Cut(name, "/")
	if !found {
		return "", "", fmt.Errorf("account %s: write platform/username, as in twitter/elonmusk", shown(name))
	}
	platform := content.Platform(strings.ToLower(before))
	username, err := CheckUsername(platform, after)
	if err != nil {
		return "", "", err
	}
	return platform, username, nil
}
