package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// codes are the odd values of the unique text; further ones are counted.
var codes = []string{"a", "a ", "A", "", " ", "é", "e\u0301", "\uF8FEz", `\`, "☃", "b"}

func drawCode(r *rand.Rand) string {
	if n := r.IntN(60); n < len(codes) {
		return codes[n]
	}
	return fmt.Sprintf("k%d", r.IntN(400))
}

// ids are so few that they vanish and come back.
const ids = 40

// moments are the watermarks in time. They are close, so that they fall within lookbacks, and often equal.
func drawAt(r *rand.Rand, tick int) string {
	switch n := r.IntN(20); {
	case n == 0:
		return "NULL"
	case n == 1:
		return "timestamp '2100-01-01' + interval '1 microsecond' * " + fmt.Sprint(r.IntN(3)) // from the future
	case n < 5: // late
		return stamp(tick - r.IntN(8))
	}
	return stamp(tick)
}

func stamp(tick int) string {
	return fmt.Sprintf("timestamp '2020-01-01' + interval '1 microsecond' * %d", tick*1_000_001)
}

func drawNumber(r *rand.Rand, tick int) (num, seq string) {
	num, seq = fmt.Sprint(tick), fmt.Sprintf("%d.%02d", tick, r.IntN(100))
	if r.IntN(15) == 0 {
		num = "NULL"
	}
	if r.IntN(15) == 0 {
		seq = "NULL"
	}
	if r.IntN(10) == 0 {
		num, seq = fmt.Sprint(tick-r.IntN(9)), fmt.Sprintf("%d.5", tick-r.IntN(9))
	}
	return num, seq
}

// insertSQL adds a row, unless its keys are taken.
func insertSQL(r *rand.Rand, id, tick int) string {
	code := literal(drawCode(r))
	num, seq := drawNumber(r, tick)
	names, values := []string{}, []string{}
	for _, c := range allColumns[5:] {
		names, values = append(names, c.name), append(values, odd(r, c.name))
	}
	return fmt.Sprintf(`INSERT INTO public.item (id, code, at, num, seq, %s)
		SELECT %d, %s, %s, %s, %s, %s WHERE NOT EXISTS (SELECT FROM public.item WHERE id = %[2]d OR
			replace(code, U&'\F8FE', '') = replace(%[3]s, U&'\F8FE', ''))`,
		strings.Join(names, ", "), id, code, drawAt(r, tick), num, seq, strings.Join(values, ", "))
}

func insertSome(r *rand.Rand, tick, n int) (statements []statement) {
	for range n {
		statements = append(statements, statement{sql: insertSQL(r, r.IntN(ids), tick)})
	}
	return statements
}

// moved are the assignments that a careful writer makes with every update.
func moved(r *rand.Rand, tick int) string {
	num, seq := drawNumber(r, tick)
	return fmt.Sprintf("at = %s, num = %s, seq = %s", drawAt(r, tick), num, seq)
}

func updateSQL(r *rand.Rand, set string) string {
	column := one(r, allColumns[5:]).name
	return fmt.Sprintf("UPDATE public.item SET %s = %s%s WHERE id %% %d = %d", column, odd(r, column), set, 2+r.IntN(6), r.IntN(3))
}

// kinds are all that may happen to a source, by how often it does.
var kinds = []struct {
	often int
	what  string
	draw  func(r *rand.Rand, tick int) []string
}{
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
		return []string{fmt.Sprintf("UPDATE public.item SET %s = NULL WHERE id = %d", one(r, []string{"id", "code"}), r.IntN(ids))}
	}},
}

// updateDuplicates changes one of two rows that are the same.
func updateDuplicates(r *rand.Rand, tick int) string {
	column := one(r, allColumns[5:]).name
	return fmt.Sprintf(`UPDATE public.item i SET %s = %s, %s WHERE EXISTS (SELECT FROM public.item o
		WHERE o.id = i.id AND o.ctid > i.ctid)`, column, odd(r, column), moved(r, tick))
}

// mendKeys makes the keys unique again, or most histories would be about keys that repeat and nothing else.
var mendKeys = []string{
	"DELETE FROM public.item WHERE id IS NULL OR code IS NULL",
	`DELETE FROM public.item i USING public.item o WHERE i.ctid < o.ctid
		AND (i.id = o.id OR replace(i.code, U&'\F8FE', '') = replace(o.code, U&'\F8FE', ''))`,
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
	at := slices.IndexFunc(kinds, func(k struct {
		often int
		what  string
		draw  func(r *rand.Rand, tick int) []string
	},
	) bool {
		n -= k.often
		return n < 0
	})
	return changed(kinds[at].what, kinds[at].draw(r, tick)...)
}

func changed(what string, statements ...string) change {
	c := change{what: what}
	for _, sql := range statements {
		c.statements = append(c.statements, statement{sql: sql})
	}
	return c
}
