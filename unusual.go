package stagewatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// decodeUnusual reads any record. Of one of a newer version only the version counts.
func decodeUnusual(text []byte) (Event, error) {
	if !utf8.Valid(text) {
		return Event{}, errors.New("it is not UTF-8")
	}
	var e Event
	if _, err := readFields(text, map[string]any{"v": &e.Version}); err != nil || e.Version > recordVersion {
		return e, err
	}
	var owner, module, defined json.RawMessage
	known := map[string]any{
		"kind": &e.Kind, "what": &e.What, "time": &e.Time, "clock": &e.Clock, "owner": &owner,
		"definition": &e.Definition, "run": &e.Run, "platform": &e.Platform, "account": &e.Account, "stage": &e.Stage,
		"key": &e.Key, "late": &e.Late, "message": &e.Message, "details": &e.Details, "done": &e.Done, "total": &e.Total,
		"module": &module, "mode": &e.Mode, "defined": &defined, "dropped": &e.Dropped, "runs": &e.Runs,
	}
	given, err := readFields(text, known)
	if err != nil {
		return e, err
	}
	if owner != nil {
		o := &e.Owner
		if _, err := readFields(owner, map[string]any{"pid": &o.PID, "start": &o.Start, "boot": &o.Boot, "space": &o.Space}); err != nil {
			return e, fmt.Errorf("owner: %w", err)
		}
	}
	if module != nil {
		if err := e.readModule(module); err != nil {
			return e, err
		}
	}
	if defined != nil {
		var d Definition
		if json.Unmarshal(defined, &d) == nil { // one that breaks a rule defines nothing
			e.Defined = &d
		}
	}
	if len(e.Details) > 0 && e.Details[0] != '{' {
		e.Details = nil // the stage counts all the same
	}
	if missing := e.lacks(given["time"], given["clock"]); missing != "" {
		return e, fmt.Errorf("it has no %s", missing)
	}
	return e, nil
}

func (e *Event) readModule(text []byte) error {
	var m ModuleFact
	_, err := readFields(text, map[string]any{
		"name": &m.Name, "number": &m.Number, "title": &m.Title, "pid": &m.PID, "start": &m.Start, "code": &m.Code,
		"reason": &m.Reason, "asked": &m.Asked, "wait": &m.Wait, "last": &m.Last, "address": &m.Address,
	})
	if err != nil {
		return fmt.Errorf("module: %w", err)
	}
	e.Module = &m
	return nil
}

// lacks names a field that no record goes without and e does, "" when it is
// whole. A time or clock may be zero: the caller knows whether they are given.
func (e *Event) lacks(time, clock bool) string {
	switch {
	case e.Version < 1:
		return "version"
	case e.Kind == "":
		return "kind"
	case !time:
		return "time"
	case !clock:
		return "clock"
	case e.Owner.PID < 1 || e.Owner.Boot == "":
		return "owner"
	case e.Kind == KindStage && e.What == "":
		return "what"
	case e.Kind == KindStage && e.Run == "":
		return "run"
	}
	return ""
}

// readFields reads the fields of a JSON object, each into what to has for it,
// and returns the names that were given a value. Names are compared as they
// are, where encoding/json takes "Stage" for "stage". Of a name that comes
// twice the last value counts; null is no value.
func readFields(text []byte, to map[string]any) (given map[string]bool, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		return nil, errors.New("it is null")
	}
	given = make(map[string]bool, len(fields))
	for name, value := range fields {
		if string(value) == "null" {
			continue
		}
		given[name] = true
		if to[name] == nil {
			continue
		}
		if err := json.Unmarshal(value, to[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return given, nil
}
