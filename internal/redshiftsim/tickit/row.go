package tickit

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

const (
	venues     = 202
	categories = 11
	days       = 365
)

func (n sizes) tables() []table {
	return []table{
		{name: "users", size: n.users, row: n.user},
		{name: "venue", size: venues, row: venue},
		{name: "category", size: categories, row: category},
		{name: "date", size: days, row: date},
		{name: "event", size: n.events, row: event},
		{name: "listing", size: n.listings, row: n.listing, again: n.listingAgain},
		{name: "sales", size: n.sales, row: n.sale},
	}
}

// random is the same for the same row of the same table, whatever else is loaded.
func random(table string, i int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(i), uint64(len(table))<<8|uint64(table[0]))) //nolint:gosec // sample data
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// maybe is v, or NULL in one of so many rows.
func maybe(r *rand.Rand, every int, v any) any {
	if r.IntN(every) == 0 {
		return nil
	}
	return v
}

// cents is an amount with two decimals.
func cents(n int64) pgtype.Numeric {
	amount := pgtype.Numeric{Valid: true, Exp: -2}
	_ = amount.Scan(fmt.Sprintf("%d.%02d", n/100, n%100)) // always a number
	return amount
}

func (n sizes) user(i int) []any {
	r := random("users", i)
	given, family := pick(r, givenNames), pick(r, familyNames)
	row := []any{
		int32(i), strings.ToUpper(fmt.Sprintf("%c%c%c%05d", 'a'+r.IntN(26), 'a'+r.IntN(26), 'a'+r.IntN(26), i%100_000)),
		given, family, pick(r, cities), maybe(r, 8, pick(r, states)),
		fmt.Sprintf("user%d@example.com", i),
		fmt.Sprintf("(%03d) %03d-%04d", r.IntN(1000), r.IntN(1000), r.IntN(10_000)),
	}
	for range 10 { // what the user likes
		row = append(row, maybe(r, 3, r.IntN(2) == 0))
	}
	return row
}

func venue(i int) []any {
	r := random("venue", i)
	return []any{
		int16(i), pick(r, familyNames) + " " + pick(r, halls), pick(r, cities), pick(r, states),
		maybe(r, 4, int32(r.IntN(900)*100)),
	}
}

func category(i int) []any {
	c := categoryNames[i-1]
	return []any{int16(i), c[0], c[1], c[2]}
}

func date(i int) []any {
	day := first.AddDate(0, 0, i-1)
	_, week := day.ISOWeek()
	return []any{
		int16(i), day, strings.ToUpper(day.Weekday().String()[:2]), int16(week),
		strings.ToUpper(day.Month().String()[:3]), fmt.Sprint((int(day.Month())-1)/3 + 1), int16(day.Year()),
		i == 1 || i == 359,
	}
}

func event(i int) []any {
	r := random("event", i)
	day := 1 + r.IntN(days)
	start := first.AddDate(0, 0, day-1).Add(time.Duration(14+r.IntN(7)) * time.Hour)
	return []any{
		int32(i), int16(1 + r.IntN(venues)), int16(1 + r.IntN(categories)), int16(day),
		maybe(r, 200, pick(r, eventNames)), start,
	}
}

func (n sizes) listing(i int) []any {
	r := random("listing", i)
	tickets, price := 1+r.IntN(30), int64(2000+r.IntN(28_000))
	listed := first.Add(spread * time.Duration(i) / time.Duration(n.listings)).Truncate(time.Second)
	return []any{
		int32(i), int32(1 + r.IntN(n.users)), int32(1 + r.IntN(n.events)), dayOf(listed),
		int16(tickets), maybe(r, 300, cents(price)), cents(price * int64(tickets)), listed,
	}
}

// listingAgain is a listing that was loaded twice: a day later, at a lower price.
func (n sizes) listingAgain(i int) []any {
	if i%DuplicateEvery != 0 {
		return nil
	}
	row := n.listing(i)
	price := int64(1000 + i%1000)
	row[5], row[6] = cents(price), cents(price*int64(row[4].(int16)))
	row[7] = row[7].(time.Time).AddDate(0, 0, 1)
	return row
}

func (n sizes) sale(i int) []any {
	r := random("sales", i)
	quantity, price := 1+r.IntN(8), int64(2000+r.IntN(28_000))
	paid := price * int64(quantity)
	updated := first.Add(time.Duration(float64(spread) * float64(i) / float64(n.sales))).Truncate(time.Microsecond)
	sold := updated.Truncate(time.Second)
	if i%LateEvery == 0 {
		sold = sold.Add(-time.Duration(1+r.IntN(30*24*3600)) * time.Second)
	}
	row := []any{
		int32(i), int32(1 + r.IntN(n.listings)), int32(1 + r.IntN(n.users)), int32(1 + r.IntN(n.users)),
		int32(1 + r.IntN(n.events)), dayOf(sold), int16(quantity), cents(paid),
		maybe(r, 100, cents(paid*15/100)), sold, updated,
	}
	if i%NullUpdatedEvery == 0 {
		row[10] = nil
	}
	return row
}

// dayOf is the dateid of an instant.
func dayOf(t time.Time) int16 { return int16(max(1, min(days, 1+int(t.Sub(first).Hours()/24)))) }
