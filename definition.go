package stagewatch

import (
	"fmt"
	"time"
)

// Stage is a numbered, named part of a run.
type Stage struct {
	Number int `json:"number"`
	// Key is another way to name the stage in a call, for example "scrape".
	Key         string  `json:"key,omitempty"`
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	Weight      float64 `json:"weight,omitempty"` // its share of a run's work; 0 counts as 1
	// Expected is how long an attempt usually takes, StallAfter how long one may be
	// silent. Without them the stage's own history tells. In JSON both are seconds.
	Expected   time.Duration `json:"-"`
	StallAfter time.Duration `json:"-"`
	// Parts is how many parts an attempt has, when progress is counted in parts.
	Parts int64 `json:"parts,omitempty"`
	// Optional stages may be left out of a run.
	Optional bool `json:"optional,omitempty"`
	// Instant stages have no start of their own: complete without start is normal.
	Instant bool `json:"instant,omitempty"`
}

// Definition is a named, ordered list of stages. The last one ends a run.
type Definition struct {
	Name   string  `json:"name"`
	Stages []Stage `json:"stages"`
}

// defaultName is the name of the default definition. Lines of other
// definitions begin with their name.
const defaultName = "Content"

// DefaultDefinition returns the eight stages that a tracker uses when it is
// given none.
func DefaultDefinition() Definition {
	return Definition{Name: defaultName, Stages: []Stage{
		{Number: 0, Name: "Initialization", Description: "system start, modules launched, watchdog set up"},
		{Number: 1, Name: "Data Scraping", Description: "posts are collected from the platform"},
		{Number: 2, Name: "Data Retrieval", Description: "raw data is read back, validated, cleaned"},
		{Number: 3, Name: "Vector Database", Description: "posts are indexed: embeddings are built"},
		{Number: 4, Name: "Time Series Analysis", Description: "engagement patterns, trends, forecast"},
		{Number: 5, Name: "Content Generation", Description: "recommendations are written"},
		{Number: 6, Name: "Exportation", Description: "results and content plan are saved"},
		{Number: 7, Name: "Complete", Description: "the pipeline ended well", Instant: true},
	}}
}

// stage returns the stage with the given number, one that is only a number
// when the definition has none.
func (d Definition) stage(number int) Stage {
	for _, s := range d.Stages {
		if s.Number == number {
			return s
		}
	}
	return Stage{Number: number, Name: fmt.Sprintf("Stage %d", number)}
}

// last returns the number of the stage that ends a run.
func (d Definition) last() int {
	if len(d.Stages) == 0 {
		return -1
	}
	return d.Stages[len(d.Stages)-1].Number
}

// check returns what is wrong with d.
func (d Definition) check() error {
	if d.Name == "" {
		return fmt.Errorf("definition without a name")
	}
	if len(d.Stages) == 0 {
		return fmt.Errorf("definition %q has no stages", d.Name)
	}
	for i, s := range d.Stages {
		if s.Name == "" {
			return fmt.Errorf("definition %q: stage %d has no name", d.Name, s.Number)
		}
		if i > 0 && s.Number <= d.Stages[i-1].Number {
			return fmt.Errorf("definition %q: stage %d comes after stage %d", d.Name, s.Number, d.Stages[i-1].Number)
		}
	}
	return nil
}
