package read_test

import (
	"math/big"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
)

// The lowest and the highest value of every type of numbers can be cast to it, and what lies beyond cannot.
func TestNumbersOf_EveryType(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	seen := 0
	for _, typ := range redshift.EveryType() {
		if typ.Order != redshift.Numbers {
			continue
		}
		seen++
		n := read.NumbersOf(typ)
		one := big.NewRat(1, 1)
		for value, fits := range map[*big.Rat]bool{
			n.Lowest: true, n.Highest: true, new(big.Rat).Sub(n.Lowest, one): false, new(big.Rat).Add(n.Highest, one): false,
		} {
			if _, err := pool.Exec(t.Context(), "SELECT $1::text::"+n.Type, n.Text(value)); (err == nil) != fits {
				t.Errorf("%s: %s as a %s: %v", typ.Remote, n.Text(value), n.Type, err)
			}
		}
		if fixed := n.Type == typ.Local; fixed != n.Fixed {
			t.Errorf("%s: its values are those of %s, and fixed: %v", typ.Remote, n.Type, n.Fixed)
		}
	}
	if seen == 0 {
		t.Error("there are no numbers")
	}
}
