package relation

import (
	"math"
	"testing"

	"github.com/redcache/redcache/catalog"
)

// The next generation has a number by which it is found again, whatever somebody has written into the catalog.
func TestCondition_NextIsAlwaysANumberOfAGeneration(t *testing.T) {
	t.Parallel()
	relations := []catalog.Relation{{Number: 1}, {Number: 2}, {Number: highest}}
	for _, tt := range []struct {
		relations   []catalog.Relation
		after, want int32
	}{
		{nil, 0, 1},
		{nil, math.MinInt32, 1},
		{nil, highest - 1, highest},
		{nil, highest, 1},
		{nil, math.MaxInt32 - 1, 1},
		{relations[:2], -3, 3},
		{relations, 7, 3},
	} {
		if got := (Condition{relations: tt.relations}).Next(tt.after); got != tt.want {
			t.Errorf("after %d of %d: got %d, want %d", tt.after, len(tt.relations), got, tt.want)
		}
	}
}
