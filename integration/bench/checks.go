package main

import (
	"slices"
	"strings"
)

// check holds a number against its limit.
type check struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Unit  string  `json:"unit"` // empty for a ratio
	OK    bool    `json:"ok"`
}

// What the checks are about, by the names of scenarios.
const (
	floor        = "copy-pipe"
	swapStream   = "swap+stream"
	swapSmall    = "swap+stream small"
	merge1       = "merge+stream 1%"
	incremental1 = "incremental 1%"
	incrSmall    = "incremental small"
	plain        = "refresh"
	concurrently = "refresh-concurrently"
	snap         = "mimeo-snap"
	skipped      = "skipped"
)

// medianLimits are ratios of medians. The swap is held against a concurrent refresh that has nothing to change, which is
// when that is fastest.
var medianLimits = []struct {
	over, under string
	limit       float64
}{
	{swapStream, floor, 1.25},
	{swapStream, concurrently + " 0%", 0.33},
	{swapStream, plain, 0.70},
	{swapStream, snap, 0.60},
	{merge1, concurrently + " 1%", 0.50},
	{incremental1, plain, 0.06},
	{incremental1, incrSmall, 1.3},
}

// The other limits.
const (
	skipLimitMS     = 100
	stallLimitMS    = 250
	readerP99Limit  = 1.5
	workerLimitMiB  = 64
	workerSizeLimit = 1.10 // of the worker's memory between two sizes of the table
)

// judge computes the ratios, and what has a limit. What was not measured is left out.
func judge(scenarios []scenario) (map[string]float64, []check) {
	ratios := map[string]float64{}
	var checks []check
	find := func(name string) *scenario {
		i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.Name == name })
		if i < 0 {
			return nil
		}
		return &scenarios[i]
	}
	for _, m := range medianLimits {
		if over, under := find(m.over), find(m.under); over != nil && under != nil && under.Median > 0 {
			name := m.over + "/" + m.under
			ratios[name] = round(over.Median / under.Median)
			checks = append(checks, atMost(name, ratios[name], m.limit, ""))
		}
	}
	if s := find(skipped); s != nil {
		checks = append(checks, atMost(skipped+", median", round(s.Median*1000), skipLimitMS, "ms"))
	}
	checks = append(checks, judgeReaders(scenarios, find(floor), ratios)...)
	if big, small := find(swapStream), find(swapSmall); big != nil && small != nil && min(big.PeakRSS, small.PeakRSS) > 0 {
		name := "memory: " + swapStream + "/" + swapSmall
		ratios[name] = round(big.PeakRSS / small.PeakRSS)
		checks = append(checks, atMost(name+", either way", max(ratios[name], round(1/ratios[name])), workerSizeLimit, ""))
	}
	return ratios, append(checks, judgeMemory(scenarios)...)
}

// judgeReaders looks at what readers felt of the paths that promise not to be felt.
func judgeReaders(scenarios []scenario, floor *scenario, ratios map[string]float64) []check {
	var stall, p99 float64
	var missed, measured int
	for _, s := range scenarios {
		if !s.Ours || !slices.ContainsFunc([]string{"swap", "merge", "incremental"}, func(family string) bool {
			return strings.HasPrefix(s.Path, family)
		}) {
			continue
		}
		measured++
		stall, missed = max(stall, s.ReaderMax), missed+s.ReadsMissed
		if floor != nil && floor.ReaderP99 > 0 {
			name := "reader p99: " + s.Name + "/" + floor.Name
			ratios[name] = round(s.ReaderP99 / floor.ReaderP99)
			p99 = max(p99, ratios[name])
		}
	}
	if measured == 0 {
		return nil
	}
	checks := []check{
		atMost("worst reader stall of swap, merge, incremental", stall, stallLimitMS, "ms"),
		atMost("look-ups that found no row", float64(missed), 0, "reads"),
	}
	if p99 > 0 {
		checks = append(checks, atMost("reader p99 of swap, merge, incremental, the worst/"+floor.Name, p99, readerP99Limit, ""))
	}
	return checks
}

func judgeMemory(scenarios []scenario) []check {
	var highest float64
	for _, s := range scenarios {
		if s.Ours {
			highest = max(highest, s.PeakRSS)
		}
	}
	if highest == 0 {
		return nil
	}
	return []check{atMost("worker's memory, the highest", highest, workerLimitMiB, "MiB")}
}

func atMost(name string, value, limit float64, unit string) check {
	return check{Name: name, Value: value, Limit: limit, Unit: unit, OK: value <= limit}
}

// missed counts the limits that were not kept.
func (r results) missed() (n int) {
	for _, c := range r.Checks {
		if !c.OK {
			n++
		}
	}
	return n
}
