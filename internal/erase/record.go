package erase

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Records blanks the account in the payloads of records, one after the other.
type Records struct {
	account Account
	runs    map[string]bool // digests of ids, as they were and as they are now
}

// NewRecords returns what blanks a in records.
func NewRecords(a Account) *Records { return &Records{account: a, runs: map[string]bool{}} }

// Runs returns the digests of the runs in which something was blanked or masked,
// in a fixed order.
func (r *Records) Runs() []string {
	all := make([]string, 0, len(r.runs))
	for digest := range r.runs {
		all = append(all, digest)
	}
	slices.Sort(all)
	return all
}

// Digest is how an erased run is named: an id often holds the account's name.
func Digest(run string) string {
	sum := sha256.Sum256([]byte(run))
	return hex.EncodeToString(sum[:16])
}

// subject is what tells whose record one is.
type subject struct {
	Kind     string `json:"kind"`
	Platform string `json:"platform"`
	Account  string `json:"account"`
	Run      string `json:"run"`
}

// Edit returns the payload without the account, never longer than before, and
// whether anything had to change. Of the account's own records only what is not
// about it is left; in those of others its name is masked where a text holds it.
func (r *Records) Edit(payload []byte) ([]byte, bool) {
	escaped := bytes.Contains(payload, []byte(`\u`)) // it may hold the name in another spelling
	if !escaped && !bytes.Contains(bytes.ToLower(payload), []byte(strings.ToLower(r.account.Username))) {
		return payload, false
	}
	var of subject
	if json.Unmarshal(payload, &of) != nil {
		return payload, false
	}
	fields, err := fieldsOf(payload)
	if err != nil {
		return payload, false
	}
	a := r.account
	if a.Is(of.Platform, of.Account) {
		return r.blank(of, fields), true
	}
	masked, edited := 0, bytes.Clone(payload)
	for _, f := range fields {
		if slices.Contains([]string{"message", "details", "module"}, f.name) {
			masked += a.maskStrings(edited[f.end-len(f.value) : f.end])
		}
	}
	if masked > 0 && of.Run != "" { // what is in view of it holds the same text
		r.runs[Digest(of.Run)] = true
	}
	return edited, masked > 0
}

// blank returns what is left of a record of the account itself.
func (r *Records) blank(of subject, fields []field) []byte {
	kept := []string{"v", "kind", "what", "time", "clock", "owner", "definition", "platform", "stage", "key", "done", "total", "late"}
	var left []field
	for _, f := range fields {
		switch {
		case f.name == "account":
			f.value = quoted(strings.Repeat("*", len(of.Account)))
		case f.name == "run":
			run := pseudonym(of.Run)
			r.runs[Digest(of.Run)], r.runs[Digest(run)] = true, true
			f.value = quoted(run)
		case !slices.Contains(kept, f.name):
			continue
		}
		left = append(left, f)
	}
	return join(left)
}

// pseudonym returns an id of the same length that tells nothing, the same for the same run.
func pseudonym(run string) string {
	digest := Digest("erased " + run)
	return strings.Repeat(digest, len(run)/len(digest)+1)[:len(run)]
}

// maskStrings masks the username in the strings of a JSON value, however it is
// spelled there. The value keeps its length and stays valid.
func (a Account) maskStrings(value []byte) int {
	masked := 0
	for at := 0; at < len(value); at++ {
		if value[at] != '"' {
			continue
		}
		begin, escaped := at, false
		for at++; at < len(value) && value[at] != '"'; at++ {
			if value[at] == '\\' {
				escaped = true
				at++
			}
		}
		literal := value[begin:min(at+1, len(value))]
		if escaped {
			masked += a.maskEscaped(literal)
		} else {
			masked += a.Mask(literal)
		}
	}
	return masked
}

// maskEscaped masks the username in a JSON string that has escapes, which may
// stand within the name. Blanks after the string keep its length.
func (a Account) maskEscaped(literal []byte) int {
	var text string
	if json.Unmarshal(literal, &text) != nil {
		return 0
	}
	plain := []byte(text)
	masked := a.Mask(plain)
	if masked == 0 {
		return 0
	}
	out := quoted(string(plain))
	if len(out) > len(literal) { // it had rarer escapes than ours: nothing of it is kept
		out = quoted(strings.Repeat("*", len(literal)-len(`""`)))
	}
	copy(literal, out)
	copy(literal[len(out):], bytes.Repeat([]byte{' '}, len(literal)-len(out)))
	return masked
}

// field is one member of a JSON object as it was written.
type field struct {
	name  string
	value json.RawMessage
	end   int // of the value in the object's text
}

var errNoObject = errors.New("not a JSON object")

// fieldsOf returns an object's members in their order.
func fieldsOf(payload []byte) ([]field, error) {
	in := json.NewDecoder(bytes.NewReader(payload))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		return nil, errNoObject
	}
	var all []field
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, fmt.Errorf("read a record: %w", err)
		}
		var f field
		f.name, _ = name.(string) // an object's names are strings
		if err := in.Decode(&f.value); err != nil {
			return nil, fmt.Errorf("read a record: %w", err)
		}
		f.end = int(in.InputOffset())
		all = append(all, f)
	}
	return all, nil
}

func join(fields []field) []byte {
	out := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, quoted(f.name)...), ':')
		out = append(out, f.value...)
	}
	return append(out, '}')
}

func quoted(text string) json.RawMessage {
	out, _ := json.Marshal(text) // a string is never refused
	return out
}
