package grants

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redcache/redcache/redshift"
)

// atOnce is how many names one statement asks for. Redshift takes 16 MB of text, and a leader should not think for long.
const atOnce = 500

// asker asks catalogs of Redshift, each statement on the leader alone or on SVV views alone: the two do not mix.
type asker struct {
	src redshift.Source
	err error // the first failure; nothing is asked after it
}

// rows calls each for every row of n values, NULL as "".
func (a *asker) rows(ctx context.Context, sql string, n int, each func(row []string)) {
	if a.err != nil {
		return
	}
	rows, err := a.src.Rows(ctx, sql, n)
	if err != nil {
		a.err = err
		return
	}
	for _, row := range rows {
		values := make([]string, n)
		for i, value := range row {
			if value != nil {
				values[i] = *value
			}
		}
		each(values)
	}
}

// maybe is rows for what an ordinary login may be refused. It says whether there was an answer.
func (a *asker) maybe(ctx context.Context, sql string, n int, each func(row []string)) (answered bool) {
	if a.err != nil {
		return false
	}
	a.rows(ctx, sql, n, each)
	if a.err != nil && redshift.Classify(a.err) == redshift.Never {
		a.err = nil
		return false
	}
	return a.err == nil
}

// lists are the quoted names of a set, in portions that fit a statement; there are none of an empty set.
func (a *asker) lists(names map[string]bool) (portions []string) {
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(names)), atOnce) {
		quoted := make([]string, len(chunk))
		for i, name := range chunk {
			var err error
			if quoted[i], err = redshift.Literal(name); err != nil && a.err == nil {
				a.err = fmt.Errorf("name %q: %w", name, err)
			}
		}
		portions = append(portions, "("+strings.Join(quoted, ", ")+")")
	}
	return portions
}
