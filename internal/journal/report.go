package journal

import (
	"fmt"
	"strings"
)

// Kind says what a finding is.
type Kind string

// The kinds of findings. Those up to Stray are harmless or explained; with any
// other one a journal is not sound.
const (
	Fragment   Kind = "fragment"   // a write that was cut short; it was never acknowledged, unless a record is missing too
	Mended     Kind = "mended"     // records missing where a repair put filler
	Unfinished Kind = "unfinished" // sealing or rewriting that was interrupted; the next keeper ends it
	Stray      Kind = "stray"      // a file that is not the journal's

	Damaged    Kind = "damaged"    // a line whose check fails
	Foreign    Kind = "foreign"    // bytes that no writer puts there
	Lost       Kind = "lost"       // records missing in their writer's numbering
	Disorder   Kind = "disorder"   // a record whose number goes back without being an exact repeat
	Mode       Kind = "mode"       // a sealed segment that can be written to
	BadSeal    Kind = "seal"       // a segment that is not what its seal says, or a seal that cannot be read
	Chain      Kind = "chain"      // a seal that does not follow from the one before
	Missing    Kind = "missing"    // segments that are not there
	BadHeader  Kind = "header"     // journal.json missing or damaged
	Unreadable Kind = "unreadable" // a file that cannot be read
)

// harmless reports whether a journal with such a finding is sound.
func (k Kind) harmless() bool {
	switch k {
	case Fragment, Mended, Unfinished, Stray:
		return true
	default:
		return false
	}
}

// Finding is one thing that a check found. Fields that do not belong to its kind are zero.
type Finding struct {
	Kind    Kind   `json:"kind"`
	Segment uint64 `json:"segment,omitempty"`
	Offset  int64  `json:"offset,omitempty"`
	Length  int64  `json:"length,omitempty"` // bytes
	Writer  string `json:"writer,omitempty"` // as in the frame
	N       uint64 `json:"n,omitempty"`      // the first record meant, by its writer's number
	Count   uint64 `json:"count,omitempty"`  // how many records or segments
	Note    string `json:"note,omitempty"`
}

// String says it in a line.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(string(f.Kind))
	if f.Segment > 0 {
		fmt.Fprintf(&b, ": segment %d", f.Segment)
	}
	if f.Length > 0 {
		fmt.Fprintf(&b, ", %d bytes at %d", f.Length, f.Offset)
	}
	if f.Writer != "" {
		fmt.Fprintf(&b, ", writer %s, record %d", f.Writer, f.N)
		if f.Count > 1 {
			fmt.Fprintf(&b, " to %d", f.N+f.Count-1)
		}
	} else if f.Count > 1 {
		fmt.Fprintf(&b, ", %d in a row", f.Count)
	}
	if f.Note != "" {
		b.WriteString(": " + f.Note)
	}
	return b.String()
}

// Report is what a check found.
type Report struct {
	Header   Header       `json:"header"`
	Segments int          `json:"segments"`
	Bytes    int64        `json:"bytes"` // that count
	Records  uint64       `json:"records"`
	Repeats  uint64       `json:"repeats"` // records that were written again
	Writers  int          `json:"writers"`
	Late     int64        `json:"late"`           // bytes after the ends of sealed segments; their writers wrote them again
	Lost     uint64       `json:"lost"`           // records missing in their writers' numbering, mended ones left out
	Counts   map[Kind]int `json:"counts"`         // of all findings
	Findings []Finding    `json:"findings"`       // the first [MaxFindings]
	Done     []string     `json:"done,omitempty"` // what a repair changed

	unread map[uint64]bool // segments that could not be read
}

// MaxFindings is how many findings a report lists.
const MaxFindings = 1000

// Sound reports whether nothing acknowledged is known to be lost, changed or out of order.
func (r *Report) Sound() bool {
	for k := range r.Counts {
		if !k.harmless() {
			return false
		}
	}
	return true
}

// Losses returns the findings that tell of something lost, changed or out of
// order: what a repair cannot bring back, and later checks no longer find.
func (r *Report) Losses() []Finding {
	var all []Finding
	for _, f := range r.Findings {
		switch f.Kind {
		case Damaged, Foreign, Lost, Disorder, BadSeal, Missing:
			all = append(all, f)
		case Fragment, Mended, Unfinished, Stray, Mode, Chain, BadHeader, Unreadable:
		}
	}
	return all
}

func (r *Report) add(found ...Finding) {
	for _, f := range found {
		r.Counts[f.Kind]++
		if f.Kind == Lost {
			r.Lost += f.Count
		}
		if len(r.Findings) < MaxFindings {
			r.Findings = append(r.Findings, f)
		}
	}
}
