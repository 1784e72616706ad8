package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// kind is something that may happen to a source.
type kind struct {
	often int
	what  string
	draw  func(r *rand.Rand, tick int) []string
}

// kinds are all that may happen to a source, by how often it does.
var kinds = []kind{
	{8, "insert", func(r *rand.Rand, tick int) (all []string) {
		for _, s := range insertSome(r, tick, 3+r.IntN(15)) {
			all = append(all, s.sql)
		}
		return all
	}},
	{8, "update", func(r *rand.Rand, tick int) []string { return []string{updateSQL(r, ", "+moved(r, tick))} }},
	{4, "update without the watermark", func(r *rand.Rand, _ int) []string { return []string{updateSQL(r, "")} }},
	{4, "delete", func(r *rand.Rand, _ int) []string {
		return []string{fmt.Sprintf("DELETE FROM public.item WHERE id %% %d = %d", 3+r.IntN(6), r.IntN(3))}
	}},
	{2, "move the watermark back", func(r *rand.Rand, tick int) []string {
		return []string{updateSQL(r, fmt.Sprintf(", at = %s, num = %d, seq = %d", stamp(tick-r.IntN(30)), tick-r.IntN(30), tick-r.IntN(30)))}
	}},
	{2, "lose the watermark", func(r *rand.Rand, _ int) []string {
		return []string{updateSQL(r, ", at = NULL, num = NULL, seq = NULL")}
	}},
	{3, "swap two unique values", func(r *rand.Rand, tick int) []string {
		return []string{fmt.Sprintf(`UPDATE public.item i SET code = o.code, %s FROM public.item o
			WHERE i.id + o.id = %d AND i.code IS NOT NULL AND o.code IS NOT NULL`, moved(r, tick), 2+r.IntN(2*ids))}
	}},
	{2, "renumber", func(r *rand.Rand, tick int) []string {
		return []string{fmt.Sprintf("UPDATE public.item SET id = %d - id, %s", ids-1, moved(r, tick))}
	}},
	{1, "empty", func(*rand.Rand, int) []string { return []string{"TRUNCATE public.item"} }},
	{2, "reload", func(r *rand.Rand, tick int) []string {
		all := []string{"TRUNCATE public.item"}
		for _, s := range insertSome(r, tick, 25) {
			all = append(all, s.sql)
		}
		return all
	}},
	{2, "touch", func(*rand.Rand, int) []string { return []string{"UPDATE public.item SET id = id"} }},
	{2, "repeat a key", func(r *rand.Rand, tick int) []string {
		return []string{fmt.Sprintf(`INSERT INTO public.item SELECT (i).* FROM (SELECT i FROM public.item i ORDER BY id LIMIT 1 OFFSET %d) s`, r.IntN(9))}
	}},
	{2, "repeat a key with other values", func(r *rand.Rand, tick int) []string {
		return []string{
			fmt.Sprintf(`INSERT INTO public.item SELECT (i).* FROM (SELECT i FROM public.item i ORDER BY id LIMIT 1 OFFSET %d) s`, r.IntN(9)),
			updateDuplicates(r, tick),
		}
	}},
	{1, "lose a key", func(r *rand.Rand, _ int) []string {
		return []string{fmt.Sprintf("UPDATE public.item SET %s = NULL WHERE id = %d", one(r, []string{"id", "code", "part"}), r.IntN(ids))}
	}},
	{1, "change the sign of a key of zero", func(r *rand.Rand, tick int) []string {
		return []string{fmt.Sprintf("UPDATE public.item SET part = -part, %s WHERE part = 0 OR id = %d", moved(r, tick), r.IntN(ids))}
	}},
	{2, "rows vanish and come back", func(r *rand.Rand, tick int) (all []string) {
		for n := range 5 {
			id := (tick + 7*n) % ids
			all = append(all, fmt.Sprintf("DELETE FROM public.item WHERE id = %d", id), insertSQL(r, id, tick-r.IntN(3)))
		}
		return all
	}},
	{1, "truncate and swap unique values", func(r *rand.Rand, tick int) []string {
		return []string{
			"CREATE TEMPORARY TABLE kept ON COMMIT DROP AS TABLE public.item", "TRUNCATE public.item",
			fmt.Sprintf(`UPDATE kept i SET code = o.code, part = o.part, %s FROM kept o
				WHERE i.id + o.id = %d AND i.id IS NOT NULL AND o.id IS NOT NULL`, moved(r, tick), ids-1),
			"INSERT INTO public.item TABLE kept",
		}
	}},
	{1, "watermarks without end", func(r *rand.Rand, _ int) []string {
		return []string{fmt.Sprintf("UPDATE public.item SET at = '%s', seq = '%s' WHERE id %% 9 = %d",
			one(r, []string{"infinity", "-infinity"}), one(r, []string{"NaN", "-9999999999.99"}), r.IntN(9))}
	}},
}

// updateDuplicates changes one of two rows that are the same.
func updateDuplicates(r *rand.Rand, tick int) string {
	column := one(r, valueColumns).name
	return fmt.Sprintf(`UPDATE public.item i SET %s = %s, %s WHERE EXISTS (SELECT FROM public.item o
		WHERE o.id = i.id AND o.ctid > i.ctid)`, column, odd(r, column), moved(r, tick))
}

// mendKeys makes the keys unique again, or most histories would be about keys that repeat and nothing else.
var mendKeys = []string{
	"DELETE FROM public.item WHERE id IS NULL OR code IS NULL OR part IS NULL",
	`DELETE FROM public.item i USING public.item o WHERE i.ctid < o.ctid
		AND (i.id = o.id OR i.part = o.part OR replace(i.code, U&'\F8FE', '') = replace(o.code, U&'\F8FE', ''))`,
}

// drawChange draws what happens to the source.
func drawChange(r *rand.Rand, tick int) change {
	if r.IntN(5) == 0 {
		return changed("mend the keys", mendKeys...)
	}
	sum := 0
	for _, k := range kinds {
		sum += k.often
	}
	n := r.IntN(sum)
	at := slices.IndexFunc(kinds, func(k kind) bool {
		n -= k.often
		return n < 0
	})
	return kinds[at].change(r, tick)
}

func kindOf(what string) kind {
	return kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.what == what })]
}

func (k kind) change(r *rand.Rand, tick int) change { return changed(k.what, k.draw(r, tick)...) }

func changed(what string, statements ...string) change {
	c := change{what: what}
	for _, sql := range statements {
		c.statements = append(c.statements, statement{sql: sql})
	}
	return c
}
