// Package pattern finds out from the lines that a program prints which stage it
// is in. It knows two built-in forms and regular expressions (Go's, RE2) with
// named groups. What it finds it hands over as an [Event]; it records nothing.
//
// docs/patterns.md is the same for those who write patterns.
package pattern

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// What an [Event] says happened to a stage.
const (
	Started    = "started"
	Progressed = "progressed"
	Completed  = "completed"
	Failed     = "failed"
)

// Bounds of what a module may be given: they keep one line's cost low whatever
// the expressions are.
const (
	MaxRules  = 64
	maxSource = 4 << 10 // bytes of one expression
	maxSize   = 1000    // instructions that it compiles to
)

// Event is what a line says of a stage. A field that the line does not give is
// zero. Its text is valid UTF-8.
type Event struct {
	What string // Started, Progressed, Completed or Failed
	// Stage is the stage's number, unless Key names it.
	Stage int
	Key   string

	Definition, Run, Platform, Account string
	Message                            string
	Done, Total                        int64
}

// Rule is one pattern as miner.yaml gives it: the name of a built-in one alone,
// or an expression with what it stands for.
type Rule struct {
	// Builtin is StageMarks or StageLines; then nothing else is set.
	Builtin string `yaml:"-"`
	// Match is a regular expression. Its groups may be called stage, account,
	// platform, run, definition, message, done and total.
	Match string `yaml:"match"`
	Event string `yaml:"event"`
	// Stage, Definition, Platform and Total are what the line does not say.
	Stage      string `yaml:"stage"` // number or key
	Definition string `yaml:"definition"`
	Platform   string `yaml:"platform"`
	Total      int64  `yaml:"total"`
}

// UnmarshalYAML takes the name of a built-in pattern, or a mapping.
func (r *Rule) UnmarshalYAML(decode func(any) error) error {
	var name string
	if decode(&name) == nil {
		*r = Rule{Builtin: name}
		return nil
	}
	type plain Rule // without this method
	return decode((*plain)(r))
}

// Set is a module's patterns. It is safe for concurrent use.
type Set struct {
	finders []finder
}

// finder looks for one pattern in a line. An error says that the line was meant
// for it and is not as it must be.
type finder interface {
	mayFind(line []byte) bool // cheap; false: find would not
	find(line []byte) (Event, bool, error)
}

// RuleError says what is wrong with one rule.
type RuleError struct {
	Index int    // in the list, from 0
	Field string // of the rule, "" when it is the rule as a whole
	Err   error
}

func (e *RuleError) Error() string { return e.Err.Error() }

func (e *RuleError) Unwrap() error { return e.Err }

// New checks the rules and makes a Set of them, nil when there are none. The
// errors are joined, each a [*RuleError].
func New(rules []Rule) (*Set, error) {
	if len(rules) == 0 {
		return nil, nil
	}
	if len(rules) > MaxRules {
		return nil, &RuleError{Index: MaxRules, Err: fmt.Errorf("%d patterns: give at most %d", len(rules), MaxRules)}
	}
	s := &Set{}
	var wrong []error
	for i, r := range rules {
		finders, field, err := r.finders()
		if err != nil {
			wrong = append(wrong, &RuleError{Index: i, Field: field, Err: err})
		}
		s.finders = append(s.finders, finders...)
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return s, nil
}

// Match returns what a line says by the first pattern that fits it. The line
// has no line end and no terminal escapes. An error says why a line that bears
// the mark of [StageMarks] is none.
func (s *Set) Match(line []byte) (Event, bool, error) {
	for _, f := range s.finders {
		if e, ok, err := f.find(line); ok || err != nil {
			return e, ok, err
		}
	}
	return Event{}, false, nil
}

// mayMatch reports whether a line is worth a closer look. It costs little.
func (s *Set) mayMatch(line []byte) bool {
	for _, f := range s.finders {
		if f.mayFind(line) {
			return true
		}
	}
	return false
}

// finders returns what looks for r; with an error, the field that is wrong.
func (r Rule) finders() (all []finder, field string, err error) {
	switch {
	case r.Builtin == StageMarks:
		return []finder{marks{}}, "", nil
	case r.Builtin == StageLines:
		for _, own := range stageLines() {
			made, field, err := own.finders()
			if err != nil {
				return nil, field, err
			}
			all = append(all, made...)
		}
		return all, "", nil
	case r.Builtin != "":
		return nil, "", fmt.Errorf("no built-in pattern is called %q: there are %s and %s", r.Builtin, StageMarks, StageLines)
	case r.Match == "":
		return nil, "match", errors.New("match is missing: give a regular expression")
	case len(r.Match) > maxSource:
		return nil, "match", fmt.Errorf("match has %d bytes: give at most %d", len(r.Match), maxSource)
	case !slices.Contains([]string{Started, Progressed, Completed, Failed}, r.Event):
		return nil, "event", fmt.Errorf("event is %q: it is started, progressed, completed or failed", r.Event)
	case r.Total < 0:
		return nil, "total", fmt.Errorf("total is %d: give what done counts up to", r.Total)
	}
	e, field, err := r.compile()
	if err != nil {
		return nil, field, err
	}
	return []finder{e}, "", nil
}

// groups are the names that a group of an expression can have.
func groups() []string {
	return []string{"account", "definition", "done", "message", "platform", "run", "stage", "total"}
}

// expression is a rule whose regular expression is compiled.
type expression struct {
	rule  Rule
	re    *regexp.Regexp
	needs []byte // stands in every line that matches; nil: nothing is known to
	group map[string]int
}

func (r Rule) compile() (*expression, string, error) {
	parsed, err := syntax.Parse(r.Match, syntax.Perl)
	if err != nil {
		return nil, "match", fmt.Errorf("match is no regular expression: %w", explain(err))
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, "match", fmt.Errorf("match is no regular expression: %w", explain(err))
	}
	if len(program.Inst) > maxSize {
		return nil, "match", fmt.Errorf("match is too large: it compiles to %d steps, at most %d may be", len(program.Inst), maxSize)
	}
	re, err := regexp.Compile(r.Match)
	if err != nil {
		return nil, "match", fmt.Errorf("match is no regular expression: %w", explain(err))
	}
	e := &expression{rule: r, re: re, needs: literal(parsed), group: map[string]int{}}
	for i, name := range re.SubexpNames() {
		if name == "" {
			continue
		}
		if !slices.Contains(groups(), name) {
			return nil, "match", fmt.Errorf("group %q is not known: there are %s", name, strings.Join(groups(), ", "))
		}
		if e.group[name] != 0 {
			return nil, "match", fmt.Errorf("group %q is there twice: which one counts?", name)
		}
		e.group[name] = i
	}
	return e, "", e.check()
}

// check returns what of the groups does not go with the rule's other fields.
func (e *expression) check() error {
	given := map[string]bool{
		"stage": e.rule.Stage != "", "definition": e.rule.Definition != "",
		"platform": e.rule.Platform != "", "total": e.rule.Total != 0,
	}
	for _, name := range groups() {
		if _, grouped := e.group[name]; grouped && given[name] {
			return fmt.Errorf("%s is given and is a group of match too: keep one", name)
		}
	}
	_, staged := e.group["stage"]
	_, done := e.group["done"]
	_, total := e.group["total"]
	switch {
	case !staged && !given["stage"]:
		return errors.New("no stage: give stage, or match a group (?P<stage>…)")
	case e.rule.Event == Progressed && !done:
		return errors.New("progressed without done: match a group (?P<done>…)")
	case e.rule.Event != Progressed && (done || total || given["total"]):
		return fmt.Errorf("done and total are for event: progressed, not for %s", e.rule.Event)
	}
	return nil
}

func (e *expression) mayFind(line []byte) bool {
	return e.needs == nil || bytes.Contains(line, e.needs)
}

func (e *expression) find(line []byte) (Event, bool, error) {
	if !e.mayFind(line) {
		return Event{}, false, nil
	}
	at := e.re.FindSubmatchIndex(line)
	if at == nil {
		return Event{}, false, nil
	}
	text := func(name, otherwise string) string {
		i, ok := e.group[name]
		if !ok || at[2*i] < 0 {
			return otherwise
		}
		return strings.ToValidUTF8(string(line[at[2*i]:at[2*i+1]]), "\uFFFD")
	}
	found := Event{
		What:       e.rule.Event,
		Definition: text("definition", e.rule.Definition),
		Platform:   text("platform", e.rule.Platform),
		Account:    text("account", ""),
		Run:        text("run", ""),
		Message:    strings.TrimSpace(text("message", "")),
		Total:      e.rule.Total,
	}
	var ok bool
	if found.Stage, found.Key, ok = stage(text("stage", e.rule.Stage)); !ok {
		return Event{}, false, nil
	}
	if e.rule.Event != Progressed {
		return found, true, nil
	}
	if found.Done, ok = count(text("done", "0")); !ok {
		return Event{}, false, nil
	}
	if total := text("total", ""); total != "" {
		if found.Total, ok = count(total); !ok {
			return Event{}, false, nil
		}
	}
	return found, true, nil
}

// stage reads a stage's number, or its key when it is no number.
func stage(text string) (number int, key string, ok bool) {
	number, err := strconv.Atoi(text)
	if err == nil {
		return number, "", true
	}
	if errors.Is(err, strconv.ErrRange) {
		return 0, "", false
	}
	return 0, text, text != ""
}

// count reads a number of parts, which is not negative.
func count(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0
}

// explain leaves "error parsing regexp:" out: whoever reads it knows.
func explain(err error) error {
	if wrong, ok := errors.AsType[*syntax.Error](err); ok {
		return fmt.Errorf("%v: %q", wrong.Code, wrong.Expr)
	}
	return err
}
