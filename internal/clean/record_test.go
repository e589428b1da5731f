package clean

import (
	"encoding/json"
	"testing"
	"time"
)

func TestACountIsExactOrUnknown(t *testing.T) {
	const negative, inexact = "negative count taken as unknown", "count that is no exact number taken as unknown"
	for in, want := range map[string]struct {
		n     int64
		fault string
	}{
		`0`: {0, ""}, `12`: {12, ""}, `12.0`: {12, ""}, `1.2e3`: {1200, ""}, `"1234"`: {1234, ""}, `" 1,234,567 "`: {1234567, ""},
		`9007199254740993`: {9007199254740993, ""},
		`null`:             {-1, ""}, `-1`: {-1, negative}, `-1.0`: {-1, negative}, `"-5"`: {-1, negative},
		`1.5`: {-1, inexact}, `"1.2K"`: {-1, inexact}, `"1,23"`: {-1, inexact}, `"12,34,567"`: {-1, inexact}, `"1.234"`: {-1, inexact},
		`""`: {-1, inexact}, `"many"`: {-1, inexact}, `true`: {-1, inexact}, `[1]`: {-1, inexact}, `{}`: {-1, inexact},
		`1e400`: {-1, inexact}, `99999999999999999999`: {-1, inexact}, `"99999999999999999999"`: {-1, inexact},
	} {
		top, err := decode([]byte(`{"n":` + in + `}`))
		if err != nil {
			t.Fatal(err)
		}
		r, _ := asRecord(top)
		n, fault := r.count("absent", "n")
		got := int64(-1)
		if n != nil {
			got = *n
		}
		if got != want.n || fault != want.fault {
			t.Errorf("count(%s) = %d, %q, want %d, %q", in, got, fault, want.n, want.fault)
		}
	}
}

func TestATimeNeedsItsZone(t *testing.T) {
	for in, want := range map[string]string{
		`"2025-08-20T01:19:17.000Z"`:       "2025-08-20T01:19:17Z",
		`"2025-08-20T03:19:17+02:00"`:      "2025-08-20T01:19:17Z",
		`"Thu Apr 28 00:56:58 +0000 2022"`: "2022-04-28T00:56:58Z",
		`1679070561`:                       "2023-03-17T16:29:21Z",
		`"1679070561"`:                     "2023-03-17T16:29:21Z",
		`1679070561000`:                    "2023-03-17T16:29:21Z",
		`"2025-08-20T01:19:17"`:            "", `"2025-08-20"`: "", `"yesterday"`: "", `0`: "", `-5`: "", `1.5`: "", `null`: "", `""`: "",
		`"1970-01-01T00:00:00Z"`: "", `true`: "", `1e30`: "",
	} {
		top, err := decode([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if at, read := moment(top); read {
			got = at.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("moment(%s) = %q, want %q", in, got, want)
		}
	}
}

func TestIDsKeepAllTheirDigits(t *testing.T) {
	var r record = map[string]any{"a": json.Number("1519480761749016577"), "b": "x"}
	if got := r.text("absent", "a"); got != "1519480761749016577" {
		t.Errorf("text = %q", got)
	}
}
