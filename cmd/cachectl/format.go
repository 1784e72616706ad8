package main

import (
	"fmt"
	"time"

	"github.com/redcache/redcache/catalog"
)

// text is an optional value in a table.
func text[T any](value *T) string {
	if value == nil {
		return "-"
	}
	return fmt.Sprint(*value)
}

func instant(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// brief is a duration, rounded as a reader wants it: 120ms, 3.2s, 4m12s, 3h5m, 2d3h.
func brief(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return catalog.FormatDuration(d.Round(time.Second))
	case d < 24*time.Hour:
		return catalog.FormatDuration(d.Round(time.Minute))
	}
	return catalog.FormatDuration(d.Round(time.Hour))
}

// fine is a short duration to the hundredth of a millisecond.
func fine(d time.Duration) string {
	if d >= time.Second {
		return brief(d)
	}
	return d.Round(10 * time.Microsecond).String()
}

func span(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return catalog.FormatDuration(d)
}

func age(d *time.Duration) string {
	if d == nil {
		return "-"
	}
	if *d < 0 {
		return "from the future" // the clock of the cache database has been set back since
	}
	return brief(*d)
}

func size(bytes *int64) string {
	if bytes == nil {
		return "-"
	}
	n, units := float64(*bytes), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	unit := 0
	for n >= 1024 && unit < len(units)-1 {
		n, unit = n/1024, unit+1
	}
	if unit == 0 || n >= 100 {
		return fmt.Sprintf("%.0f %s", n, units[unit])
	}
	return fmt.Sprintf("%.1f %s", n, units[unit])
}

// count is a number with its noun, in the singular or the plural.
func count[T int | int64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
