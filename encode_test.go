package stagewatch

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// anyEvent draws an event with any text in any field.
func anyEvent(t *rapid.T) Event {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "plain", "bad \xff\xfe\xc3", "\x1b[2J\x00\n\r\t\b\f\x7f", `"\/<>&`, "\u2028\u2029\uFFFD 🚀 ü", "\xed\xa0\x80",
	}))
	whole := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1, 1<<53 - 1, 999999999999999999, 1000000000000000000, math.MinInt64, math.MaxInt64}))
	e := Event{
		Version: int(whole.Draw(t, "v")), Kind: Kind(text.Draw(t, "kind")), What: text.Draw(t, "what"),
		Time:  time.Unix(rapid.Int64Range(-1e10, 1e10).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC(),
		Clock: whole.Draw(t, "clock"),
		Owner: Owner{
			PID: int(whole.Draw(t, "pid")), Start: rapid.Uint64().Draw(t, "start"),
			Boot: text.Draw(t, "boot"), Space: rapid.Uint64().Draw(t, "space"),
		},
		Definition: text.Draw(t, "definition"), Run: text.Draw(t, "run"), Platform: text.Draw(t, "platform"),
		Account: text.Draw(t, "account"), Stage: int(whole.Draw(t, "stage")), Key: text.Draw(t, "key"),
		Late: rapid.Bool().Draw(t, "late"), Message: text.Draw(t, "message"), Done: whole.Draw(t, "done"), Total: whole.Draw(t, "total"),
		Mode: text.Draw(t, "mode"), Dropped: rapid.Uint64().Draw(t, "dropped"),
	}
	if rapid.Bool().Draw(t, "with details") {
		e.Details, _ = json.Marshal(map[string]any{text.Draw(t, "name"): []any{text.Draw(t, "value"), 1.5, nil, map[string]any{}}})
	}
	return e
}

func TestEncodingIsThatOfTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent(t)
		got, err := appendEvent([]byte("before"), &e)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := bytes.CutPrefix(got, []byte("before")); !bytes.Equal(got, want) {
			t.Fatalf("appendEvent =\n%s\njson.Marshal =\n%s", got, want)
		}
		checkDecode(t, want)
		checkDecode(t, appendLate(bytes.Clone(want)))
		checkDecode(t, append(bytes.Clone(want), "    "...))
	})
}

// Each field by itself, so that a field that is added to Event cannot be forgotten in the encoding.
func TestEveryFieldIsEncoded(t *testing.T) {
	kind := reflect.TypeFor[Event]()
	for i := range kind.NumField() {
		field := kind.Field(i)
		if field.Tag.Get("json") == "-" || !field.IsExported() {
			continue
		}
		e := Event{Time: time.Unix(1, 0).UTC()}
		set(reflect.ValueOf(&e).Elem().Field(i))
		got, err := appendEvent(nil, &e)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: appendEvent = %s, want %s", field.Name, got, want)
		}
		checkDecode(t, want)
	}
}

// set gives a value that is not zero.
func set(v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // those that Event has
	case reflect.String:
		v.SetString("x")
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(`{"a":1}`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	}
}

// checkDecode compares the quick ways to read a record with the one for unusual
// records: the same events and the same refusals.
func checkDecode(t interface {
	Fatalf(format string, args ...any)
}, text []byte,
) {
	want, wantErr := decodeUnusual(text)
	got, err := decodeEvent(text)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("decodeEvent(%q) says %v, decodeUnusual says %v", text, err, wantErr)
	}
	if err != nil {
		return
	}
	if !cmp.Equal(got, want, cmpopts.IgnoreUnexported(Event{})) {
		t.Fatalf("decodeEvent(%q) =\n%+v\ndecodeUnusual =\n%+v", text, got, want)
	}
	version, blanked, err := skimEvent(text)
	if err != nil || version != want.Version || blanked != (want.Account != "" && strings.Trim(want.Account, "*") == "") {
		t.Fatalf("skimEvent(%q) = %d, %v, %v", text, version, blanked, err)
	}
}

// Records of other clients, of newer ones, and what was never a record.
// testdata/protocol/records.json says what is right.
func TestEveryWayOfDecodingSaysTheSame(t *testing.T) {
	full := `{"v":1,"kind":"stage","what":"started","time":"2026-11-23T21:00:00.123456789Z","clock":123,"owner":{"pid":1,"start":2,"boot":"b","space":3},` +
		`"definition":"Content","run":"r","account":"u","stage":1,"message":"m","details":{"a":[1,{"b":"}\""}]},"done":1,"total":2}`
	for name, text := range map[string]string{
		"whole":            full,
		"blanked":          strings.Replace(full, `"account":"u"`, `"account":"***"`, 1),
		"blanks":           strings.NewReplacer(":", ": ", ",", ", ").Replace(full),
		"other space":      strings.ReplaceAll(full, ",", ",\t"),
		"unknown field":    strings.Replace(full, `"v":1`, `"v":1,"new":{"x":[]}`, 1),
		"other case":       strings.Replace(full, `"run"`, `"RUN"`, 1),
		"escaped name":     strings.Replace(full, `"run"`, `"r\u0075n"`, 1),
		"name twice":       strings.Replace(full, `"run":"r"`, `"run":"r","run":"s"`, 1),
		"owner twice":      strings.Replace(full, `"clock"`, `"owner":{"pid":9,"space":9},"clock"`, 1),
		"null":             strings.Replace(full, `"run":"r"`, `"run":null`, 1),
		"owner null":       `{"owner":null}`,
		"time null":        `{"time":null}`,
		"time of a day":    `{"time":"2026-11-23"}`,
		"time elsewhere":   `{"time":"2026-11-23T21:00:00+02:00"}`,
		"details array":    `{"details":[1]}`,
		"details text":     `{"details":"x"}`,
		"details null":     `{"details":null}`,
		"details broken":   `{"details":{"a":01}}`,
		"details unclosed": `{"details":{"a":1`,
		"details mixed":    `{"details":{"a":[1}]}`,
		"details deep":     `{"details":` + strings.Repeat(`{"a":`, 1200) + "1" + strings.Repeat("}", 1200) + "}",
		"number float":     `{"clock":1.0}`,
		"number power":     `{"clock":1e3}`,
		"number long":      `{"clock":9223372036854775807}`,
		"number longer":    `{"clock":9223372036854775808}`,
		"number zeros":     `{"clock":01}`,
		"number minus":     `{"clock":-}`,
		"number -0":        `{"clock":-0,"dropped":-0}`,
		"unsigned minus":   `{"dropped":-1}`,
		"number in quotes": `{"clock":"1"}`,
		"text a number":    `{"run":1}`,
		"escapes":          `{"message":"\u00fc\ud83d\ude80\ud800 \n\/ \u001b"}`,
		"bad escape":       `{"message":"\x"}`,
		"invalid utf-8":    "{\"message\":\"\xff\xfe\"}",
		"control":          "{\"message\":\"a\nb\"}",
		"empty object":     `{}`,
		"empty owner":      `{"owner":{}}`,
		"array":            `[]`,
		"nothing":          ``,
		"two":              `{"v":1}{"v":1}`,
		"comma":            `{"v":1,}`,
		"no comma":         `{"v":1"run":"r"}`,
		"late":             `{"late":true,"mode":"direct"}`,
		"late text":        `{"late":truer}`,
		"module":           `{"kind":"module","module":{"name":"content","number":1,"last":"x\n"}}`,
		"padded":           full + "          ",
		"padded otherwise": full + "\n",
	} {
		t.Run(name, func(t *testing.T) { checkDecode(t, []byte(text)) })
		for at := range text[:min(len(text), 400)] {
			checkDecode(t, []byte(text[:at]))
		}
	}
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add([]byte(`{"v":1,"kind":"stage","what":"started","time":"2026-11-23T21:00:00.1Z","clock":1,"owner":{"pid":1,"start":2,"boot":"b","space":3},"details":{"a":[1,"\""]},"stage":-3}  `))
	f.Add([]byte(`{"V":1,"owner":{"PID":1},"late":false,"dropped":18446744073709551615}`))
	f.Fuzz(func(t *testing.T, text []byte) { checkDecode(t, text) })
}

// The fast way is really taken for what clients write; otherwise the tests above compare nothing.
func TestUsualRecordsAreReadInOnePass(t *testing.T) {
	e := usualEvent()
	for _, details := range []string{"", `{"posts":50,"where":"\"here\""}`} {
		e.Details = json.RawMessage(details)
		text, err := appendEvent(nil, &e)
		if err != nil {
			t.Fatal(err)
		}
		var read Event
		p := parser{rest: text}
		if !p.event(&read) {
			t.Errorf("%s was left to decodeUnusual", text)
		}
	}
}

func usualEvent() Event {
	return Event{
		Version: 1, Kind: KindStage, What: EventStarted, Time: time.Unix(1795555555, 123456789).UTC(), Clock: 12345678901234,
		Owner:      Owner{PID: 12345, Start: 1234567, Boot: "2d1e7f0c-6f43-4bb5-9d0f-6c1d1a3b5f77", Space: 4026531836},
		Definition: "Content", Run: "abcdefghijklmnopqrstuvwxyz", Platform: "twitter", Account: "elonmusk", Stage: 3,
		Message: "Indexing 50 posts in vector database 🚀",
	}
}

func BenchmarkEncode(b *testing.B) {
	e := usualEvent()
	var text []byte
	for b.Loop() {
		text, _ = appendEvent(text[:0], &e)
	}
	b.SetBytes(int64(len(text)))
}

func BenchmarkDecode(b *testing.B) {
	e := usualEvent()
	text, _ := appendEvent(nil, &e)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := decodeEvent(text); err != nil {
			b.Fatal(err)
		}
	}
}
