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
func (v View) WatermarkKind() WatermarkKind {
	c, found := v.column(v.Watermark)
	if !found {
		return NoWatermark
	}
	return rangeKind(c)
}

// rangeKind says what ranges a column's values have, if both servers agree on their order.
func rangeKind(c Column) WatermarkKind {
	switch c.order() {
	case redshift.Numbers:
		return NumericWatermark
	case redshift.Days, redshift.Moments:
		return TimeWatermark
	}
	return NoWatermark
}

// order says how values of the column's type can be compared on both sides; not at all when the type cannot be cached.
func (c Column) order() redshift.Order {
	mapped, err := redshift.Map(c.Type)
	if err != nil {
		return redshift.NoOrder
	}
	return mapped.Order
}

// WatermarkType returns the local type of the watermark column, or nothing.
func (v View) WatermarkType() string {
	c, found := v.column(v.Watermark)
	if !found {
		return ""
	}
	return c.localType()
}

// SplitKind says what the split column holds.
func (v View) SplitKind() WatermarkKind {
	c, found := v.column(v.Split)
	if !found {
		return NoWatermark
	}
	return rangeKind(c)
}

// SplitType returns the local type of the split column, or nothing.
func (v View) SplitType() string {
	c, _ := v.column(v.Split)
	return c.localType()
}

// localType returns the type of the cached column; nothing when its type cannot be cached.
func (c Column) localType() string {
	mapped, err := redshift.Map(c.Type)
	if err != nil {
		return ""
	}
	return mapped.Local
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
