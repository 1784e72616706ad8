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
	directFloor  = "copy-pipe-direct"
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

// noLimit is for a ratio that is only shown.
const noLimit = 0

// medianLimits are ratios of medians. The swap is held against a concurrent refresh that has nothing to change, which is
// when that is fastest.
var medianLimits = []struct {
	over, under string
	limit       float64
}{
	{swapStream, floor, 1.25},
	{swapStream, directFloor, noLimit}, // an upper bound: only the swap pays for the relay
	{floor, directFloor, noLimit},
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
func (r results) judge() (map[string]float64, []check) {
	ratios := map[string]float64{}
	var checks []check
	for _, m := range medianLimits {
		if over, under := r.find(m.over), r.find(m.under); over != nil && under != nil && under.Median > 0 {
			name := m.over + "/" + m.under
			ratios[name] = round(over.Median / under.Median)
			if m.limit != noLimit {
				checks = append(checks, atMost(name, ratios[name], m.limit, ""))
			}
		}
	}
	if s := r.find(skipped); s != nil {
		checks = append(checks, atMost(skipped+", median", round(s.Median*1000), skipLimitMS, "ms"))
	}
	checks = append(checks, r.judgeReaders(ratios)...)
	if big, small := r.find(swapStream), r.find(swapSmall); big != nil && small != nil && min(big.PeakRSS, small.PeakRSS) > 0 {
		name := "memory: " + swapStream + "/" + swapSmall
		ratios[name] = round(big.PeakRSS / small.PeakRSS)
		checks = append(checks, atMost(name+", either way", max(ratios[name], round(1/ratios[name])), workerSizeLimit, ""))
	}
	return ratios, append(checks, judgeMemory(r.Scenarios)...)
}

func (r results) find(name string) *scenario {
	i := slices.IndexFunc(r.Scenarios, func(s scenario) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Scenarios[i]
}

// gentle are the strategies that promise not to be felt.
var gentle = []string{"swap", "merge", "incremental", "auto"}

// judgeReaders looks at what readers felt of them.
func (r results) judgeReaders(ratios map[string]float64) []check {
	var stall, p99, atFloor float64
	var missed, measured int
	if i := slices.IndexFunc(r.Readers, func(f felt) bool { return f.Path == floor }); i >= 0 {
		atFloor = r.Readers[i].ReaderP99
	}
	for _, f := range r.Readers {
		if !f.Ours || !slices.ContainsFunc(gentle, func(strategy string) bool { return strings.HasPrefix(f.Path, strategy) }) {
			continue
		}
		measured++
		stall, missed = max(stall, f.ReaderMax), missed+f.ReadsMissed
		if atFloor > 0 {
			name := "reader p99: " + f.Path + "/" + floor
			ratios[name] = round(f.ReaderP99 / atFloor)
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
		checks = append(checks, atMost("reader p99 of swap, merge, incremental, the worst/"+floor, p99, readerP99Limit, ""))
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
