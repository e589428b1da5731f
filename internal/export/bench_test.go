package export

import (
	"strconv"
	"testing"

	"github.com/stagewatch/stagewatch/internal/bucket"
)

func BenchmarkExportOfAHundredPosts(b *testing.B) {
	folder, err := bucket.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	in, n := branding(100), 0
	for b.Loop() {
		n++
		in.Run.ID = strconv.Itoa(n)
		if _, err := Export(b.Context(), folder, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrepareAHundredPosts(b *testing.B) {
	in := branding(100)
	for b.Loop() {
		if _, err := prepare(in, placeOf(in.Plan.Account)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReportOfAHundredPosts(b *testing.B) {
	in := branding(100)
	for b.Loop() {
		b.ReportMetric(float64(len(pageFor(b, in))), "bytes/page")
	}
}
