package config

import (
	"fmt"
	"strconv"
	"time"
)

// Definition is a named, ordered list of stages.
type Definition struct {
	Name   string  `yaml:"name"`
	Stages []Stage `yaml:"stages"`
}

// Stage is one stage of a definition. What is not given is zero; without a
// number it has its place in the list, from 1 on.
type Stage struct {
	Number      *int          `yaml:"number"`
	Key         string        `yaml:"key"`
	Name        string        `yaml:"name"`
	Description string        `yaml:"description"`
	Weight      float64       `yaml:"weight"`
	Expected    time.Duration `yaml:"expected"`
	StallAfter  time.Duration `yaml:"stall_after"`
	Parts       int64         `yaml:"parts"`
	Optional    bool          `yaml:"optional"`
	Instant     bool          `yaml:"instant"`
}

// checkDefinitions finds what is wrong in its place. The tracker, which takes
// the definitions, checks them once more.
func checkDefinitions(definitions []Definition) (all []problem) {
	names := map[string]bool{}
	for i, d := range definitions {
		path := fmt.Sprintf("definitions[%d]", i)
		switch {
		case d.Name == "":
			all = append(all, wrong(path, "definition %d has no name", i+1))
		case d.Name == "Content" || d.Name == "Images":
			all = append(all, wrong(path+".name", "definition %q is built in: choose another name", d.Name))
		case names[d.Name]:
			all = append(all, wrong(path+".name", "definition %q is there twice", d.Name))
		case len(d.Stages) == 0:
			all = append(all, wrong(path, "definition %q has no stages", d.Name))
		}
		names[d.Name] = true
		all = append(all, checkStages(path, d)...)
	}
	return all
}

func checkStages(path string, d Definition) (all []problem) {
	const mostWeight = 1e9
	last := 0
	keys := map[string]bool{}
	for i, s := range d.Stages {
		number := i + 1
		if s.Number != nil {
			number = *s.Number
		}
		_, notNumber := strconv.Atoi(s.Key)
		checks := []struct {
			wrong bool
			field string
			text  string
		}{
			{i > 0 && number <= last, ".number", fmt.Sprintf("it comes after stage %d: numbers must rise", last)},
			{s.Name == "", "", "it has no name"},
			{s.Key != "" && notNumber == nil, ".key", fmt.Sprintf("key %q is a number: give it as number", s.Key)},
			{s.Key != "" && keys[s.Key], ".key", fmt.Sprintf("key %q is there twice", s.Key)},
			{!(s.Weight >= 0 && s.Weight <= mostWeight), ".weight", fmt.Sprintf("weight is %v: give 0 to %.0f", s.Weight, mostWeight)},
			{s.Expected < 0, ".expected", fmt.Sprintf("expected is %v: give a time like 40s", s.Expected)},
			{s.StallAfter < 0, ".stall_after", fmt.Sprintf("stall_after is %v: give a time like 10m", s.StallAfter)},
			{s.Parts < 0, ".parts", fmt.Sprintf("parts is %d: give how many there are", s.Parts)},
		}
		for _, c := range checks {
			if c.wrong {
				at := fmt.Sprintf("%s.stages[%d]%s", path, i, c.field)
				all = append(all, wrong(at, "definition %q, stage %d: %s", d.Name, number, c.text))
			}
		}
		keys[s.Key], last = true, number
	}
	return all
}

// has reports whether d has the stage with a number or key, or none is asked for.
func (d Definition) has(stage string) bool {
	number, err := strconv.Atoi(stage)
	for i, s := range d.Stages {
		mine := i + 1
		if s.Number != nil {
			mine = *s.Number
		}
		if s.Key == stage || err == nil && mine == number {
			return true
		}
	}
	return stage == ""
}
