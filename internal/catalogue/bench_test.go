package catalogue_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"luxbff/internal/catalogue"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// BenchmarkUploadsBesideImport measures how long an upload takes while another process
// imports a catalogue, by the number of lines in a step and with or without the pause
// after it: 16 phones upload a log each 100 ms. Lines/s is the speed of the import.
func BenchmarkUploadsBesideImport(b *testing.B) {
	const devices = 20_000
	began := time.Now()
	elapsed := func() time.Duration { return time.Since(began) }
	for name, importing := range map[string]*catalogue.Config{
		"none":           nil,
		"100 lines":      {StepLines: 100, Elapsed: elapsed},
		"500 lines":      {StepLines: 500, Elapsed: elapsed},
		"2000 lines":     {StepLines: 2000, Elapsed: elapsed},
		"500, no pause":  {StepLines: 500},
		"2000, no pause": {StepLines: 2000},
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				url := storetest.URL(b)
				served := domaintest.New(storetest.OpenAt(b, url))
				stop := make(chan struct{})
				took := make([][]time.Duration, 16)
				var phones sync.WaitGroup
				for i := range took {
					home := served.Home(b)
					phones.Go(func() { took[i] = uploadUntil(b, home, stop) })
				}
				began := elapsed()
				if importing == nil {
					<-time.After(5 * time.Second)
				} else {
					cfg := *importing
					cfg.Store, cfg.Clock = storetest.OpenAt(b, url), served.Clock.Now
					if _, err := catalogue.New(cfg).Import(b.Context(), bytes.NewReader(manyDevices(devices))); err != nil {
						b.Error(err)
					}
					b.ReportMetric(devices/(elapsed()-began).Seconds(), "lines/s")
				}
				close(stop)
				phones.Wait()
				all := slices.Concat(took...)
				slices.Sort(all)
				b.ReportMetric(float64(len(all)), "uploads")
				b.ReportMetric(all[len(all)/2].Seconds()*1000, "p50-ms")
				b.ReportMetric(all[len(all)*99/100].Seconds()*1000, "p99-ms")
				b.ReportMetric(all[len(all)-1].Seconds()*1000, "max-ms")
			}
		})
	}
}

func uploadUntil(b *testing.B, home *domaintest.Home, stop <-chan struct{}) (took []time.Duration) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		began := time.Now()
		home.UploadAsync(b, home.CompleteSeries(n, 1)...)
		took = append(took, time.Since(began))
		select {
		case <-stop:
			return took
		case <-tick.C:
		}
	}
}

// manyDevices is a file of n devices.
func manyDevices(n int) []byte {
	var file bytes.Buffer
	file.WriteString(header7)
	for i := range n {
		fmt.Fprintf(&file, "SL%08d,00:80:E2:%02X:%02X:%02X,1,2,3,1.0.0,u-%d\n", i, i>>16, i>>8&255, i&255, i)
	}
	return file.Bytes()
}
