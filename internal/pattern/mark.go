package pattern

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// StageMarks is the name of the built-in pattern for programs that can only
// print. Such a line is
//
//	@stage start 3 for=elonmusk on=twitter: Indexing 50 posts
//	@stage progress 3 12/50 for=elonmusk
//	@stage complete 3 for=elonmusk: Indexed 50 posts
//	@stage failed 3 for="somebody else": no network
//
// The mark stands at the beginning of the line, or after what a log puts before
// a message: a blank or one of : ] ) } > |. Then come the word, the stage's
// number or key, in progress how much is done (12, or 12/50), and fields in any
// order, each once: for (account), on (platform), run, definition. A colon with
// a blank or nothing after it begins the message, which is the rest of the line
// as it is. A stage or value with blanks, or with a colon at its end, stands in
// double quotes; in these \" \\ \n and \t are understood.
const StageMarks = "stage-marks"

const mark = "@stage"

// marks finds lines of the form StageMarks.
type marks struct{}

func (marks) mayFind(line []byte) bool { return bytes.Contains(line, []byte(mark)) }

func (marks) find(line []byte) (Event, bool, error) {
	for from := 0; ; {
		i := bytes.Index(line[from:], []byte(mark))
		if i < 0 {
			return Event{}, false, nil
		}
		at := from + i
		from = at + len(mark)
		before := at == 0 || strings.IndexByte(" \t:])}>|", line[at-1]) >= 0
		after := from < len(line) && (line[from] == ' ' || line[from] == '\t')
		if before && after {
			e, err := readMark(strings.ToValidUTF8(string(line[from:]), "\uFFFD"))
			return e, err == nil, err
		}
	}
}

// readMark reads what follows the mark.
func readMark(text string) (Event, error) {
	words := map[string]string{"start": Started, "progress": Progressed, "complete": Completed, "failed": Failed}
	r := &markReader{rest: text}
	verb, err := r.value()
	if err != nil {
		return Event{}, err
	}
	e := Event{What: words[verb]}
	if e.What == "" {
		return Event{}, fmt.Errorf("%s %s: the word is start, progress, complete or failed", mark, short(verb))
	}
	r.rest = strings.TrimLeft(r.rest, " \t")
	if field, _, found := strings.Cut(r.rest, "="); found && isField(field) && !r.ended {
		return Event{}, fmt.Errorf("%s %s: no stage: give its number or key before %s=", mark, verb, field)
	}
	name, err := r.value()
	if err != nil {
		return Event{}, err
	}
	var ok bool
	if e.Stage, e.Key, ok = stage(name); !ok {
		return Event{}, fmt.Errorf("%s %s: no stage: give its number or key", mark, verb)
	}
	if e.What == Progressed {
		if e.Done, e.Total, err = r.progress(); err != nil {
			return Event{}, err
		}
	}
	if err := r.fields(&e); err != nil {
		return Event{}, err
	}
	e.Message = strings.TrimSpace(r.rest)
	return e, nil
}

// markReader takes words from the front of a line.
type markReader struct {
	rest  string
	ended bool // the colon before the message has been read
}

// progress reads 12 or 12/50.
func (r *markReader) progress() (done, total int64, err error) {
	text, err := r.value()
	if err != nil {
		return 0, 0, err
	}
	first, second, both := strings.Cut(text, "/")
	done, ok := count(first)
	if ok && both {
		total, ok = count(second)
	}
	if !ok {
		return 0, 0, fmt.Errorf("%s progress: %s is not how much is done, like 12/50", mark, short(text))
	}
	return done, total, nil
}

// fields reads name=value until the message or the end.
func (r *markReader) fields(e *Event) error {
	places := map[string]*string{"for": &e.Account, "on": &e.Platform, "run": &e.Run, "definition": &e.Definition}
	for r.more() {
		name, rest, ok := strings.Cut(r.rest, "=")
		place := places[name]
		if ok && place == nil && isField(name) {
			return fmt.Errorf("%s: %s= is there twice", mark, name)
		}
		if !ok || place == nil {
			word, _, _ := strings.Cut(r.rest, " ")
			return fmt.Errorf("%s: %s is no field: there are for=, on=, run= and definition=, and a message begins with a colon and a blank", mark, short(word))
		}
		delete(places, name)
		r.rest = rest
		value, err := r.value()
		if err != nil {
			return err
		}
		*place = value
	}
	return nil
}

func isField(name string) bool {
	return name == "for" || name == "on" || name == "run" || name == "definition"
}

// more skips blanks, takes a colon that begins the message, and reports whether
// there is a further word.
func (r *markReader) more() bool {
	if r.ended {
		return false
	}
	r.rest = strings.TrimLeft(r.rest, " \t")
	r.colon()
	return !r.ended && r.rest != ""
}

// colon takes the colon that begins the message, if it is next.
func (r *markReader) colon() {
	rest, found := strings.CutPrefix(r.rest, ":")
	if found && (rest == "" || rest[0] == ' ' || rest[0] == '\t') {
		r.rest, r.ended = rest, true
	}
}

// value reads the next word, quoted or not, "" when there is none.
func (r *markReader) value() (string, error) {
	if strings.HasPrefix(r.rest, `"`) {
		return r.quoted()
	}
	if blank := strings.HasPrefix(r.rest, " ") || strings.HasPrefix(r.rest, "\t"); blank {
		if !r.more() {
			return "", nil
		}
		return r.value()
	}
	if r.ended {
		return "", nil
	}
	end := strings.IndexAny(r.rest, " \t")
	if end < 0 {
		end = len(r.rest)
	}
	word := r.rest[:end]
	if bare, found := strings.CutSuffix(word, ":"); found {
		r.rest, r.ended = r.rest[end:], true
		return bare, nil
	}
	r.rest = r.rest[end:]
	return word, nil
}

// quoted reads a word in double quotes.
func (r *markReader) quoted() (string, error) {
	escapes := map[byte]byte{'"': '"', '\\': '\\', 'n': '\n', 't': '\t'}
	var value strings.Builder
	for i := 1; i < len(r.rest); i++ {
		switch c := r.rest[i]; c {
		case '"':
			r.rest = r.rest[i+1:]
			r.colon()
			if !r.ended && r.rest != "" && r.rest[0] != ' ' && r.rest[0] != '\t' {
				return "", fmt.Errorf("%s: %s follows a quote without a blank", mark, short(r.rest))
			}
			return value.String(), nil
		case '\\':
			i++
			if i == len(r.rest) || escapes[r.rest[i]] == 0 {
				return "", fmt.Errorf(`%s: in quotes only \" \\ \n and \t are understood`, mark)
			}
			value.WriteByte(escapes[r.rest[i]])
		default:
			value.WriteByte(c)
		}
	}
	return "", errors.New(mark + ": a quote is not closed")
}

// short is text for an error: quoted, and no longer than one reads.
func short(text string) string {
	const limit = 40
	if len(text) > limit {
		end := limit
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "…"
	}
	return fmt.Sprintf("%q", text)
}
