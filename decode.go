package stagewatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/stagewatch/stagewatch/internal/journal"
)

// decode reads one record.
func decode(r journal.Record) (Event, error) {
	e, err := decodeEvent(r.Payload)
	if err != nil {
		return Event{}, fmt.Errorf("decode record at %d/%d: %w", r.End.Segment, r.End.Offset, err)
	}
	if e.Version > recordVersion {
		return Event{}, fmt.Errorf("record at %d/%d: version %d is newer than this program", r.End.Segment, r.End.Offset, e.Version)
	}
	e.pos = r.End
	return e, nil
}

// decodeEvent reads the payload of one record: docs/protocol.md says what is
// refused. What clients usually write is read in one pass; whatever is unusual
// in it is left to decodeUnusual.
func decodeEvent(text []byte) (Event, error) {
	p := parser{rest: text}
	var e Event // it stays off the heap, as decodeUnusual never sees it
	if p.event(&e) {
		return e, nil
	}
	return decodeUnusual(text)
}

// skimEvent is decodeEvent for who only wants to know whether the record can be
// read, its version, and whether its account was erased.
func skimEvent(text []byte) (version int, blanked bool, err error) {
	p := parser{rest: text, skims: true}
	var e Event
	if !p.event(&e) {
		e, err = decodeUnusual(text)
	}
	return e.Version, e.Account != "" && strings.Trim(e.Account, "*") == "", err
}

// parser reads the JSON of one record from its front. Each method reports
// false when it meets what it does not know for certain.
type parser struct {
	rest  []byte
	skims bool // texts are looked at, and of those that do not begin with * only kept that they are there
}

// field is a set of the names that an object has had so far: a name that comes
// twice is unusual.
type field uint32

func (seen *field) first(number int) bool {
	bit := field(1) << number
	fresh := *seen&bit == 0
	*seen |= bit
	return fresh
}

func (p *parser) event(e *Event) bool {
	var seen field
	whole := p.object(func(name []byte) bool { return p.eventField(e, name, &seen) })
	const time, clock field = 1 << 3, 1 << 4
	return whole && len(bytes.TrimLeft(p.rest, " ")) == 0 && // blanks stand where something was erased
		e.lacks(seen&time != 0, seen&clock != 0) == "" && e.Version <= recordVersion
}

// eventField reads the value of one field of a record.
func (p *parser) eventField(e *Event, name []byte, seen *field) bool {
	switch string(name) {
	case "v":
		return seen.first(0) && number(p, &e.Version)
	case "kind":
		return seen.first(1) && p.word((*string)(&e.Kind))
	case "what":
		return seen.first(2) && p.word(&e.What)
	case "time":
		literal, _, ok := p.quoted()
		return ok && seen.first(3) && e.Time.UnmarshalJSON(literal) == nil
	case "clock":
		return seen.first(4) && number(p, &e.Clock)
	case "owner":
		var inner field
		return seen.first(5) && p.object(func(name []byte) bool { return p.ownerField(&e.Owner, name, &inner) })
	case "definition":
		return seen.first(6) && p.text(&e.Definition)
	case "run":
		return seen.first(7) && p.text(&e.Run)
	case "platform":
		return seen.first(8) && p.text(&e.Platform)
	case "account":
		return seen.first(9) && p.text(&e.Account)
	case "stage":
		return seen.first(10) && number(p, &e.Stage)
	case "key":
		return seen.first(11) && p.text(&e.Key)
	case "late":
		return seen.first(12) && p.flag(&e.Late)
	case "message":
		return seen.first(13) && p.text(&e.Message)
	case "details":
		return seen.first(14) && p.raw(&e.Details)
	case "done":
		return seen.first(15) && number(p, &e.Done)
	case "total":
		return seen.first(16) && number(p, &e.Total)
	case "mode":
		return seen.first(17) && p.text(&e.Mode)
	case "dropped":
		return seen.first(18) && number(p, &e.Dropped)
	}
	return false
}

func (p *parser) ownerField(o *Owner, name []byte, seen *field) bool {
	switch string(name) {
	case "pid":
		return seen.first(0) && number(p, &o.PID)
	case "start":
		return seen.first(1) && number(p, &o.Start)
	case "boot":
		return seen.first(2) && p.text(&o.Boot)
	case "space":
		return seen.first(3) && number(p, &o.Space)
	}
	return false
}

// object reads an object that has at least one field; value reads the value of each.
func (p *parser) object(value func(name []byte) bool) bool {
	if !p.skip('{') {
		return false
	}
	for {
		name, plain, ok := p.quoted()
		if !ok || !plain || !p.skip(':') || !value(name[1:len(name)-1]) {
			return false
		}
		if !p.skip(',') {
			return p.skip('}')
		}
	}
}

// skip reads one byte that must be c, and the blanks around it.
func (p *parser) skip(c byte) bool {
	p.blanks()
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	p.blanks()
	return true
}

func (p *parser) blanks() {
	for len(p.rest) > 0 && p.rest[0] == ' ' {
		p.rest = p.rest[1:]
	}
}

// quoted reads a string, quotes and escapes included. A plain one is ASCII without escapes.
func (p *parser) quoted() (literal []byte, plain, ok bool) {
	if len(p.rest) == 0 || p.rest[0] != '"' {
		return nil, false, false
	}
	plain = true
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			literal, p.rest = p.rest[:i+1], p.rest[i+1:]
			return literal, plain, true
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return nil, false, false
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	return nil, false, false
}

func (p *parser) text(to *string) bool {
	literal, plain, ok := p.quoted()
	if !ok || !plain && !utf8.Valid(literal) {
		return false
	}
	if !plain && bytes.IndexByte(literal, '\\') >= 0 {
		var text string
		err := json.Unmarshal(literal, &text)
		*to = text
		return err == nil
	}
	switch {
	case !p.skims || literal[1] == '*':
		*to = string(literal[1 : len(literal)-1])
	case len(literal) > len(`""`):
		*to = "?"
	}
	return true
}

// word reads a string that is usually one of a few, and does not copy those.
func (p *parser) word(to *string) bool {
	before := p.rest
	literal, _, ok := p.quoted()
	if !ok {
		return false
	}
	for _, known := range [...]string{
		string(KindStage), EventStarted, EventCompleted, EventProgressed, EventFailed,
	} {
		if string(literal[1:len(literal)-1]) == known {
			*to = known
			return true
		}
	}
	p.rest = before
	return p.text(to)
}

func (p *parser) flag(to *bool) bool {
	for _, value := range [...]string{"true", "false"} {
		if rest, ok := bytes.CutPrefix(p.rest, []byte(value)); ok {
			p.rest, *to = rest, value == "true"
			return true
		}
	}
	return false
}

// raw reads an object and keeps its text.
func (p *parser) raw(to *json.RawMessage) bool {
	if len(p.rest) == 0 || p.rest[0] != '{' {
		return false
	}
	const deepest = 1000 // encoding/json has a limit of its own, counted from the record
	begin, depth := p.rest, 0
	for len(p.rest) > 0 {
		switch p.rest[0] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			if _, _, ok := p.quoted(); !ok {
				return false
			}
			continue
		}
		p.rest = p.rest[1:]
		if depth == 0 || depth > deepest {
			break
		}
	}
	value := begin[:len(begin)-len(p.rest)]
	if !json.Valid(value) || !utf8.Valid(value) {
		return false
	}
	if !p.skims {
		*to = bytes.Clone(value)
	}
	return true
}

// number reads an integer of at most eighteen digits. "-0" is unusual.
func number[T ~int | ~int64 | ~uint64](p *parser, to *T) bool {
	const digits = 18
	rest, negative := bytes.CutPrefix(p.rest, []byte{'-'})
	var v int64
	i := 0
	for ; i < len(rest) && '0' <= rest[i] && rest[i] <= '9'; i++ {
		if i == digits {
			return false
		}
		v = v*10 + int64(rest[i]-'0')
	}
	switch {
	case i == 0, i > 1 && rest[0] == '0', negative && v == 0:
		return false
	case i < len(rest) && (rest[i] == '.' || rest[i] == 'e' || rest[i] == 'E'):
		return false
	case negative:
		v = -v
	}
	*to, p.rest = T(v), rest[i:]
	return int64(*to) == v && (*to < 0) == negative
}
