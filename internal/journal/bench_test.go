package journal

import (
	"os"
	"strings"
	"testing"
	"time"
)

// filled makes a journal of count records of about 350 bytes, sealed at 4 MiB.
func filled(b *testing.B, count int) (dir string, size int64) {
	b.Helper()
	dir = b.TempDir()
	w := open(b, dir)
	payload := []byte(`{"v":1,"kind":"stage","message":"` + strings.Repeat("x", 270) + `"}`)
	for i := range count {
		if err := w.Append(payload); err != nil {
			b.Fatal(err)
		}
		if i%4096 == 0 {
			if _, err := Seal(dir, 4<<20, 0); err != nil {
				b.Fatal(err)
			}
		}
	}
	r := check(b, dir)
	if !r.Sound() || r.Records != uint64(count) {
		b.Fatalf("%+v", r)
	}
	return dir, r.Bytes
}

// BenchmarkFollow is framing and check of a million records.
func BenchmarkFollow(b *testing.B) {
	const count = 1_000_000
	dir, size := filled(b, count)
	b.SetBytes(size)
	for b.Loop() {
		f := Follow(dir, Position{})
		got := 0
		for {
			_, ok, err := f.Next()
			if err != nil {
				b.Fatal(err)
			}
			if !ok {
				break
			}
			got++
		}
		f.Close()
		if got != count {
			b.Fatal(got)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/million")
}

// BenchmarkCheck is a check of everything, seals included.
func BenchmarkCheck(b *testing.B) {
	dir, size := filled(b, 1_000_000)
	b.SetBytes(size)
	for b.Loop() {
		check(b, dir)
	}
}

// BenchmarkAppend is one record, beside one bare write of as many bytes.
func BenchmarkAppend(b *testing.B) {
	w := open(b, b.TempDir())
	bare, err := os.OpenFile(b.TempDir()+"/bare", os.O_CREATE|os.O_WRONLY|os.O_APPEND, openMode)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = bare.Close() }()
	payload := []byte(strings.Repeat("x", 310))
	whole := make([]byte, len(payload)+36)
	var floor time.Duration
	for b.Loop() {
		if err := w.Append(payload); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if _, err := bare.Write(whole); err != nil {
			b.Fatal(err)
		}
		floor += time.Since(began)
	}
	b.ReportMetric(float64(floor)/float64(b.N), "bare-ns")
	b.ReportMetric(float64(b.Elapsed()-floor)/float64(floor), "times-bare")
}
