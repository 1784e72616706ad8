package session

import (
	"bytes"
	"math"
)

// interval is what PostgreSQL keeps: three numbers that cannot be turned into each other.
type interval struct {
	months, days, microseconds int64

	seen uint // units, each of which may be given once
}

// unit is what a number counts.
type unit struct {
	bit   uint
	times int64 // months, days or microseconds
}

// The bits of unit. A clock is hours, minutes and seconds at once.
const (
	years uint = 1 << iota
	months
	days
	hours
	mins
	secs
)

// units are the words that stand behind a number. Redshift names PostgreSQL's styles for them, and not the exact text,
// so singular and plural are taken alike.
var units = map[string]unit{
	"year": {years, 12}, "years": {years, 12},
	"mon": {months, 1}, "mons": {months, 1}, "month": {months, 1}, "months": {months, 1},
	"day": {days, 1}, "days": {days, 1},
	"hour": {hours, hour}, "hours": {hours, hour},
	"min": {mins, minute}, "mins": {mins, minute}, "minute": {mins, minute}, "minutes": {mins, minute},
	"sec": {secs, second}, "secs": {secs, second}, "second": {secs, second}, "seconds": {secs, second},
}

// appendInterval encodes "1 year 2 mons -3 days +04:05:06.789", and the forms of other styles that cannot be misread:
// "1-2", "3 04:05:06", "1 day 2 hours 3.5 secs". A number without a unit is refused: Redshift shows some intervals as
// microseconds, where PostgreSQL would read seconds.
func appendInterval(dst, text []byte) ([]byte, error) {
	var i interval
	for rest, ok := text, true; len(rest) > 0; {
		if rest, ok = i.field(rest); !ok {
			return nil, errNoInterval
		}
	}
	if i.seen == 0 {
		return nil, errNoInterval
	}
	if i.months != int64(int32(i.months)) || i.days != int64(int32(i.days)) {
		return nil, errDoesNotFit
	}
	return appendInt32(appendInt32(appendInt64(dst, i.microseconds), int32(i.days)), int32(i.months)), nil
}

// field reads one field, and the blank behind it.
func (i *interval) field(text []byte) (rest []byte, ok bool) {
	negative := text[0] == '-'
	if negative || text[0] == '+' {
		text = text[1:]
	}
	n, rest, ok := natural(text)
	if !ok || len(rest) == 0 {
		return nil, false
	}
	switch rest[0] {
	case ':':
		return i.clock(n, rest, negative)
	case '-':
		return i.yearsAndMonths(n, rest, negative)
	}
	f, rest, ok := fraction(rest)
	if !ok || len(rest) == 0 || rest[0] != ' ' {
		return nil, false
	}
	word, behind, _ := bytes.Cut(rest[1:], []byte(" "))
	u, known := units[string(word)]
	if !known { // "3 04:05:06"
		u, behind = units["day"], rest[1:]
		if known = bytes.IndexByte(word, ':') > 0; !known {
			return nil, false
		}
	}
	return behind, (f == 0 || u.bit == secs) && i.add(u, n, f, negative)
}

// clock reads hours[:MM:SS[.ffffff]].
func (i *interval) clock(n uint64, text []byte, negative bool) (rest []byte, ok bool) {
	microseconds, rest, ok := minutes(text)
	return next(rest), ok && endsField(rest) && i.add(unit{hours | mins | secs, hour}, n, microseconds, negative)
}

// yearsAndMonths reads years[-months].
func (i *interval) yearsAndMonths(n uint64, text []byte, negative bool) (rest []byte, ok bool) {
	m, rest, ok := natural(text[1:])
	return next(rest), ok && m < 12 && endsField(rest) && i.add(unit{years | months, 12}, n, int64(m), negative)
}

func endsField(rest []byte) bool { return len(rest) == 0 || rest[0] == ' ' }

func next(rest []byte) []byte { return bytes.TrimPrefix(rest, []byte(" ")) }

// add counts n units and some more of what the unit is made of.
func (i *interval) add(u unit, n uint64, more int64, negative bool) bool {
	if i.seen&u.bit != 0 || n > uint64(math.MaxInt64/u.times) {
		return false
	}
	i.seen |= u.bit
	amount, ok := signed(n*uint64(u.times)+uint64(more), negative)
	if !ok {
		return false
	}
	sum := &i.microseconds
	switch {
	case u.bit&(years|months) != 0:
		sum = &i.months
	case u.bit == days:
		sum = &i.days
	}
	before := *sum
	*sum += amount
	return (*sum >= before) == (amount >= 0) // else it went over an end
}
