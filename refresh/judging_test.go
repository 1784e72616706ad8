package refresh_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// Who judges a change is shown what is applied, also when somebody else has changed the view between the two.
func TestApply_IsJudgedByWhatItApplies(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE sales AS SELECT i AS id, i * 10 AS amount FROM generate_series(1, 9) i`)
	v := b.view("sales", "select id, amount from public.sales", catalog.Swap)
	b.add(t, v)
	change := refresh.Change{Name: v.Name, Define: func(v *catalog.View) error {
		v.Query = "select id from public.sales"
		return nil
	}}
	no := errors.New("not so")
	var before []time.Duration
	_, err := b.definer.Judging(func(described []refresh.Described) error {
		before = append(before, described[0].Before.MaxAge)
		if got := len(described[0].After.Columns); got != 1 {
			t.Errorf("it is to have %d columns", got)
		}
		if len(before) == 2 {
			return no
		}
		_, err := b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.MaxAge = time.Hour; return nil }, false, nil)
		return err
	}).Apply(t.Context(), []refresh.Change{change})
	if !errors.Is(err, no) || !strings.Contains(err.Error(), "alter view bi.sales") {
		t.Errorf("got %v", err)
	}
	if len(before) != 2 || before[0] != 0 || before[1] != time.Hour {
		t.Errorf("was shown views with a promise of %v", before)
	}
	is, err := b.store.View(t.Context(), v.Name)
	if err != nil || len(is.Columns) != 2 {
		t.Errorf("the view has %d columns, %v", len(is.Columns), err)
	}
}
