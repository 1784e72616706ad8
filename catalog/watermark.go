package catalog

import (
	"math"
	"strconv"
	"strings"

	"github.com/redcache/redcache/redshift"
)

// WatermarkKind is what the values of a watermark column are; it decides what a lookback can be.
type WatermarkKind int

// The kinds of watermark.
const (
	NoWatermark      WatermarkKind = iota
	NumericWatermark               // a lookback is a number
	TimeWatermark                  // a lookback is an interval
)

// WatermarkKind says what the watermark column holds; NoWatermark when there is none, or when its type has no order
// that both servers agree on.
func (v View) WatermarkKind() WatermarkKind { return kindOf(v.WatermarkType()) }

// kindOf says what ranges the values of a type have.
func kindOf(t redshift.Type) WatermarkKind {
	switch t.Order {
	case redshift.Numbers:
		return NumericWatermark
	case redshift.Days, redshift.Moments:
		return TimeWatermark
	}
	return NoWatermark
}

// WatermarkType returns the type of the watermark column, or the zero one.
func (v View) WatermarkType() redshift.Type { return v.mapped(v.Watermark) }

// SplitType returns the type of the split column, or the zero one.
func (v View) SplitType() redshift.Type { return v.mapped(v.Split) }

func (v View) mapped(name string) redshift.Type {
	c, _ := v.column(name)
	return c.Mapped()
}

// Mapped returns the column's type with what is known of it; the zero one when it cannot be cached.
func (c Column) Mapped() redshift.Type {
	if c.Type == "" {
		return redshift.LocalType(c.Local)
	}
	mapped, _ := redshift.Map(c.Type) // a type that is not known has no order, which is what matters here
	return mapped
}

// DefaultLookback is how far below the watermark a view reads that does not say: ten minutes for commits that come
// late, nothing for a watermark that is no time.
func (v View) DefaultLookback() string {
	if v.WatermarkKind() == TimeWatermark {
		return "10m"
	}
	return "0"
}

// isNumber tells whether a lookback is a number of zero or more, and of a size that can be computed with exactly.
func isNumber(text string) bool {
	const longest, smallest = 400, 1e-300
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) > longest || !(n >= 0) || math.IsInf(n, 0) {
		return false
	}
	digits, _, _ := strings.Cut(strings.ToLower(text), "e")
	return n >= smallest || !strings.ContainsAny(digits, "123456789")
}
