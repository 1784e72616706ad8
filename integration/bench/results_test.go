package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// made are samples of a few scenarios, in the order in which rounds make them.
func made() []sample {
	big, small := &table{rows: 1000}, &table{rows: 100}
	floorPath := &path{name: floor, table: big, order: 0}
	plainPath := &path{name: plain, table: big, order: 1}
	swap := &path{name: swapStream, ours: true, table: big, order: 2}
	incremental := &path{name: "incremental", ours: true, table: big, changed: levels, order: 3}
	tiny := &path{name: incrSmall, ours: true, table: small, order: 4}
	run := func(p *path, level int, seconds, rss float64, latencies ...time.Duration) sample {
		return sample{
			scenario: p.scenario(level), path: p, level: level,
			outcome: outcome{usage: usage{Seconds: seconds, RSS: rss}}, seen: reading{latencies: latencies},
		}
	}
	const ms = time.Millisecond
	return []sample{
		run(incremental, 1, 0.3, 12, ms), run(floorPath, 1, 4, 20, 2*ms, 4*ms), run(swap, 1, 4.4, 24, 3*ms, 300*ms),
		run(plainPath, 1, 9, 10, 9000*ms), run(tiny, 1, 0.2, 12, ms), run(incremental, 100, 8, 12, ms),
		run(floorPath, 1, 4.2, 20, 2*ms), run(swap, 1, 6, 30, 3*ms), run(incremental, 1, 0.5, 12, 2*ms),
		run(incremental, 100, 9, 12, ms), run(plainPath, 1, 11, 10, ms), run(tiny, 1, 0.2, 12, ms),
	}
}

func TestSummarize_OrdersAndJudges(t *testing.T) {
	t.Parallel()
	r := summarize(options{rows: 1000, runs: 2}, "a machine", made())
	var got []string
	for _, s := range r.Scenarios {
		got = append(got, s.Name)
	}
	want := []string{floor, plain, swapStream, incremental1, "incremental 100%", incrSmall}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenarios (-want +got):\n%s", diff)
	}
	wantRatios := map[string]float64{
		swapStream + "/" + floor:                  1.268, // 5.2 / 4.1
		swapStream + "/" + plain:                  0.52,
		incremental1 + "/" + plain:                0.04,
		incremental1 + "/" + incrSmall:            2,
		"reader p99: " + swapStream + "/" + floor: 75,
		"reader p99: incremental/" + floor:        0.5,
		"reader p99: " + incrSmall + "/" + floor:  0.25,
	}
	if diff := cmp.Diff(wantRatios, r.Ratios); diff != "" {
		t.Errorf("ratios (-want +got):\n%s", diff)
	}
	wantChecks := []check{
		{swapStream + "/" + floor, 1.268, 1.25, "", false},
		{swapStream + "/" + plain, 0.52, 0.7, "", true},
		{incremental1 + "/" + plain, 0.04, 0.06, "", true},
		{incremental1 + "/" + incrSmall, 2, 1.3, "", false},
		{"worst reader stall of swap, merge, incremental", 300, 250, "ms", false},
		{"look-ups that found no row", 0, 0, "reads", true},
		{"reader p99 of swap, merge, incremental, the worst/" + floor, 75, 1.5, "", false},
		{"worker's memory, the highest", 30, 64, "MiB", true},
	}
	if diff := cmp.Diff(wantChecks, r.Checks); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	if r.missed() != 4 {
		t.Errorf("missed: got %d, want 4", r.missed())
	}
}

// The file has the fields that its readers were promised, and comes back as it was.
func TestResults_AreWrittenAsPromised(t *testing.T) {
	t.Parallel()
	r := summarize(options{rows: 1000, runs: 2}, "a machine", made())
	path := filepath.Join(t.TempDir(), "new", "results.json")
	if err := r.write(path); err != nil {
		t.Fatal(err)
	}
	again, err := readResults(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, again, cmp.AllowUnexported(scenario{}, felt{})); diff != "" {
		t.Errorf("after reading (-want +got):\n%s", diff)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var promised struct {
		Rows      *int
		Machine   *string
		Scenarios []map[string]any
		Ratios    map[string]float64
	}
	if err := json.Unmarshal(text, &promised); err != nil {
		t.Fatal(err)
	}
	if promised.Rows == nil || promised.Machine == nil || len(promised.Ratios) == 0 || len(promised.Scenarios) == 0 {
		t.Fatalf("something is missing in\n%s", text)
	}
	for _, s := range promised.Scenarios {
		if _, ok := s["name"].(string); !ok {
			t.Errorf("no name in %v", s)
		}
		for _, field := range []string{"median_s", "peak_rss_mb", "reader_p50_ms", "reader_p99_ms", "reader_max_ms"} {
			if _, ok := s[field].(float64); !ok {
				t.Errorf("no number %s in %v", field, s)
			}
		}
	}
}

func TestMedian_IsTheMiddle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		before := slices.Clone(tt.values)
		if got := median(tt.values); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("median of %v: got %v, want %v", tt.values, got, tt.want)
		}
		if !slices.Equal(before, tt.values) {
			t.Errorf("median changed %v to %v", before, tt.values)
		}
	}
}

func TestPercentile_IsAValueThatWasSeen(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, tt := range []struct {
		name   string
		sorted []time.Duration
		p      int
		want   time.Duration
	}{
		{"none", nil, 99, 0},
		{"one", hundred[:1], 50, 1},
		{"median of two", hundred[:2], 50, 1},
		{"p50", hundred, 50, 50},
		{"p99", hundred, 99, 99},
		{"p100", hundred, 100, 100},
		{"p99 of few is the slowest", hundred[:10], 99, 10},
	} {
		if got := percentile(tt.sorted, tt.p); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}
