package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// results are what results.json has.
type results struct {
	Rows      int                `json:"rows"`
	Runs      int                `json:"runs"`
	Machine   string             `json:"machine"`
	Scattered bool               `json:"scattered"` // whether the 1 % was spread over the table
	Scenarios []scenario         `json:"scenarios"`
	Readers   []felt             `json:"readers"`
	Ratios    map[string]float64 `json:"ratios"`
	Checks    []check            `json:"checks"`
	Skipped   []string           `json:"skipped"`
}

// scenario is one path at one share of changed rows. What cannot be measured is 0.
type scenario struct {
	Name       string  `json:"name"`
	Path       string  `json:"path"`
	Ours       bool    `json:"ours"`
	ChangedPct *int    `json:"changed_pct"` // null where it makes no difference
	TableRows  int     `json:"table_rows"`
	Runs       int     `json:"runs"`
	Median     float64 `json:"median_s"`
	Min        float64 `json:"min_s"`
	Max        float64 `json:"max_s"`
	PeakRSS    float64 `json:"peak_rss_mb"` // of the client's processes; the highest of all runs
	ClientCPU  float64 `json:"client_cpu_s"`
	SourceCPU  float64 `json:"source_cpu_s"`
	CacheCPU   float64 `json:"cache_cpu_s"` // readers included
	latencies
	counts // of the last run
}

// felt is what readers felt of one path, all of its scenarios together: the 99th percentile of a short refresh alone would
// be its slowest look-up.
type felt struct {
	Path string `json:"path"`
	Ours bool   `json:"ours"`
	latencies
}

// latencies are a summary of look-ups.
type latencies struct {
	ReaderP50   float64 `json:"reader_p50_ms"`
	ReaderP99   float64 `json:"reader_p99_ms"`
	ReaderMax   float64 `json:"reader_max_ms"`
	Reads       int     `json:"reads"`
	ReadsMissed int     `json:"reads_missed"` // look-ups that found no row
}

// summarize makes one scenario of its samples, path by path.
func summarize(o options, machine string, samples []sample) results {
	r := results{Rows: o.rows, Runs: o.runs, Machine: machine, Scattered: o.scatter}
	slices.SortStableFunc(samples, func(a, b sample) int {
		return cmp.Or(cmp.Compare(a.path.order, b.path.order), cmp.Compare(a.level, b.level))
	})
	for group := range groups(samples, func(s sample) string { return s.scenario }) {
		r.Scenarios = append(r.Scenarios, summary(group))
	}
	for group := range groups(samples, func(s sample) string { return s.path.name }) {
		r.Readers = append(r.Readers, felt{group[0].path.name, group[0].path.ours, feltIn(group)})
	}
	r.Ratios, r.Checks = r.judge()
	return r
}

// groups splits sorted samples where their key changes.
func groups(samples []sample, key func(sample) string) iter.Seq[[]sample] {
	return func(yield func([]sample) bool) {
		for len(samples) > 0 {
			n := slices.IndexFunc(samples, func(s sample) bool { return key(s) != key(samples[0]) })
			if n < 0 {
				n = len(samples)
			}
			if !yield(samples[:n]) {
				return
			}
			samples = samples[n:]
		}
	}
}

func summary(samples []sample) scenario {
	first, last := samples[0], samples[len(samples)-1]
	sc := scenario{
		Name: first.scenario, Path: first.path.name, Ours: first.path.ours, TableRows: first.path.table.rows,
		Runs: len(samples), latencies: feltIn(samples), counts: last.counts,
	}
	if first.path.changed != nil {
		sc.ChangedPct = &first.level
	}
	collect := func(f func(sample) float64) []float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = f(s)
		}
		return values
	}
	took := collect(func(s sample) float64 { return s.Seconds })
	sc.Median, sc.Min, sc.Max = round(median(took)), round(slices.Min(took)), round(slices.Max(took))
	sc.PeakRSS = round(slices.Max(collect(func(s sample) float64 { return s.RSS })))
	sc.ClientCPU = round(median(collect(func(s sample) float64 { return s.CPU })))
	sc.SourceCPU = round(median(collect(func(s sample) float64 { return s.sourceCPU })))
	sc.CacheCPU = round(median(collect(func(s sample) float64 { return s.cacheCPU })))
	return sc
}

// feltIn sums up what readers felt in several runs.
func feltIn(samples []sample) (l latencies) {
	var all []time.Duration
	for _, s := range samples {
		all = append(all, s.seen.latencies...)
		l.ReadsMissed += s.seen.missing
	}
	slices.Sort(all)
	l.Reads = len(all)
	l.ReaderP50 = milliseconds(percentile(all, 50))
	l.ReaderP99 = milliseconds(percentile(all, 99))
	l.ReaderMax = milliseconds(percentile(all, 100))
	return l
}

// median returns the middle of the values, or the mean of the two in the middle. There is at least one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// percentile returns the smallest value that at least p percent of the sorted values do not exceed; of none it is 0.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}

func milliseconds(d time.Duration) float64 { return round(d.Seconds() * 1000) }

// round keeps three decimals: more would only be noise.
func round(f float64) float64 { return math.Round(f*1000) / 1000 }

func readResults(path string) (r results, err error) {
	text, err := os.ReadFile(path) //nolint:gosec // a file of the caller's choice
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", path, err)
	}
	r.Ratios, r.Checks = r.judge()
	return r, nil
}

// write makes the file and its directory.
func (r results) write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // to be published
		return err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644) //nolint:gosec // to be published
}
