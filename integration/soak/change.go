package main

import (
	"fmt"
	"math/rand/v2"
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
	case n < 7: // just beside the others
		return stamp(tick) + fmt.Sprintf(" + interval '1 microsecond' * %d", r.IntN(3)-1)
	case n == 7 && r.IntN(4) == 0:
		return "timestamp '" + one(r, []string{"infinity", "-infinity"}) + "'"
	}
	return stamp(tick)
}

// drawPart returns a key of floating point: a number for each id, and the values of which equality is odd.
func drawPart(r *rand.Rand, id int) string {
	value := fmt.Sprintf("%d.1", id)
	if odd := []string{"NaN", "Infinity", "-Infinity", one(r, []string{"0", "-0"}), "5e-324"}; id < len(odd) {
		value = odd[id]
	}
	return "CAST('" + value + "' AS float8)"
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
	code, part := literal(drawCode(r)), drawPart(r, id)
	num, seq := drawNumber(r, tick)
	names, values := []string{}, []string{}
	for _, c := range valueColumns {
		names, values = append(names, c.name), append(values, odd(r, c.name))
	}
	return fmt.Sprintf(`INSERT INTO public.item (id, code, part, at, num, seq, %s)
		SELECT %d, %s, %s, %s, %s, %s, %s WHERE NOT EXISTS (SELECT FROM public.item WHERE id = %[2]d OR part = %[4]s OR
			replace(code, U&'\F8FE', '') = replace(%[3]s, U&'\F8FE', ''))`,
		strings.Join(names, ", "), id, code, part, drawAt(r, tick), num, seq, strings.Join(values, ", "))
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
	column := one(r, valueColumns).name
	return fmt.Sprintf("UPDATE public.item SET %s = %s%s WHERE id %% %d = %d", column, odd(r, column), set, 2+r.IntN(6), r.IntN(3))
}
