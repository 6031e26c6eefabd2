package devlog_test

import (
	"slices"
	"testing"
	"time"

	"luxbff/internal/devlog"
	"luxbff/internal/testutil/domaintest"
)

// BenchmarkUploadGrowth uploads a pair of records, as a treatment makes one, to a device
// with 100,000 stored logs and to one with 100, in turns. The metric "ratio" is the median
// time of the first divided by that of the second: what an upload costs must not grow with
// what is stored.
func BenchmarkUploadGrowth(b *testing.B) {
	h := domaintest.NewHome(b)
	full, empty := &filledDevice{Home: h}, &filledDevice{Home: h.Sister(b)}
	full.fill(b, 100_000)
	empty.fill(b, 100)
	var ofFull, ofEmpty []time.Duration
	for b.Loop() {
		ofFull = append(ofFull, full.uploadPair(b))
		ofEmpty = append(ofEmpty, empty.uploadPair(b))
	}
	slow, fast := median(ofFull), median(ofEmpty)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(slow.Seconds()*1e6, "us-of-100000")
	b.ReportMetric(fast.Seconds()*1e6, "us-of-100")
	b.ReportMetric(slow.Seconds()/fast.Seconds(), "ratio")
}

// filledDevice is a home whose device has sent the log files up to one number.
type filledDevice struct {
	*domaintest.Home

	last int
}

func (d *filledDevice) fill(b *testing.B, logs int) {
	b.Helper()
	for d.last < logs {
		n := min(devlog.MaxRecords, logs-d.last)
		d.Upload(b, d.CompleteSeries(d.last+1, n)...)
		d.last += n
	}
}

// uploadPair uploads a temporary record and, apart from it, the complete one.
func (d *filledDevice) uploadPair(b *testing.B) time.Duration {
	b.Helper()
	d.last++
	complete := d.CompleteSeries(d.last, 1)
	temporary := d.Temporary(string(complete[0].TreatmentDate), d.last)
	began := time.Now()
	d.Upload(b, temporary)
	d.Upload(b, complete...)
	return time.Since(began)
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}
