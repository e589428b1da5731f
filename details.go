package stagewatch

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Details are recorded with a stage, up to 8 KiB as JSON. What cannot be
// recorded (too large, cyclic, a channel, not a number) leaves a note in their
// place that says why. They are read during the call, never after it.
type Details map[string]any

func (d Details) apply(e *Event) {
	if d == nil {
		return
	}
	text, err := d.encode()
	if err != nil {
		text, _ = json.Marshal(map[string]string{"not_recorded": cut(err.Error(), maxName)})
	}
	e.Details = text
}

// encode returns the details as JSON. A value whose own encoding panics is an
// error like one that cannot be encoded: no host is hurt by what it tells us.
func (d Details) encode() (text []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			text, err = nil, fmt.Errorf("encode details: %s", say(cause))
		}
	}()
	left := maxDetails
	if !fits(reflect.ValueOf(map[string]any(d)), &left) {
		return nil, fmt.Errorf("details exceed %d bytes", maxDetails)
	}
	text, err = json.Marshal(map[string]any(d))
	if err != nil {
		return nil, errors.New(err.Error()) // the text of a caller's error is made here, where it may panic
	}
	if len(text) > maxDetails {
		return nil, fmt.Errorf("%d bytes of details exceed %d", len(text), maxDetails)
	}
	return text, nil
}

// fits takes from left what v needs as JSON at least, and reports whether there
// was enough. It goes where json.Marshal would go, so that what is huge, deep or
// cyclic is known before json.Marshal spends time and memory on it. Values with
// an encoding of their own count as one byte: what they make is looked at after.
func fits(v reflect.Value, left *int) bool {
	if !spend(left, 1) || !v.IsValid() {
		return *left >= 0
	}
	switch kind := v.Type(); {
	case kind == reflect.TypeFor[json.RawMessage]():
		return spend(left, v.Len())
	case kind.Implements(reflect.TypeFor[json.Marshaler]()), kind.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return true
	}
	switch v.Kind() { //nolint:exhaustive // all others are small
	case reflect.String:
		return spend(left, v.Len())
	case reflect.Interface, reflect.Pointer:
		return v.IsNil() || fits(v.Elem(), left)
	case reflect.Map:
		return mapFits(v, left)
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return spend(left, v.Len()) // as base64
		}
		for i := range v.Len() {
			if !fits(v.Index(i), left) {
				return false
			}
		}
	case reflect.Struct:
		return structFits(v, left)
	}
	return true
}

func mapFits(v reflect.Value, left *int) bool {
	for entry := v.MapRange(); entry.Next(); {
		if key := entry.Key(); key.Kind() == reflect.String && !spend(left, key.Len()) {
			return false
		}
		if !fits(entry.Value(), left) {
			return false
		}
	}
	return true
}

// structFits is fits for the fields that json.Marshal does not leave out.
func structFits(v reflect.Value, left *int) bool {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		tag := field.Tag.Get("json")
		omitted := strings.Contains(tag, ",omit") && v.Field(i).IsZero()
		if tag == "-" || omitted || !field.IsExported() && !field.Anonymous {
			continue
		}
		if !fits(v.Field(i), left) {
			return false
		}
	}
	return true
}

func spend(left *int, bytes int) bool {
	*left -= bytes
	return *left >= 0
}

// say returns the text of a caller's error or panic. Of values that could print
// for ever it is only the type.
func say(cause any) string {
	switch cause.(type) {
	case error, fmt.Stringer:
		return fmt.Sprint(cause) // which survives a method that panics
	}
	if kind := reflect.TypeOf(cause); kind != nil && kind.Kind() > reflect.Complex128 && kind.Kind() != reflect.String {
		return kind.String()
	}
	return fmt.Sprint(cause)
}
