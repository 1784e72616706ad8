package session

import (
	"bytes"
	"math"
)

const (
	second = 1_000_000 // microseconds
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour

	// The ranges of PostgreSQL's types, in days since 2000-01-01. Each ends before its second number.
	firstDay        = -2_451_545 // 4714-11-24 BC
	afterLastDay    = 2_145_031_949
	afterLastMoment = 106_751_983
)

// appendDate encodes "2024-02-29", also of the years past 9999 and before our era ("4713-01-01 BC").
func appendDate(dst, text []byte) ([]byte, error) {
	if n, ok := endless(text); ok {
		if n > 0 {
			return appendInt32(dst, math.MaxInt32), nil
		}
		return appendInt32(dst, math.MinInt32), nil
	}
	text, bc := bytes.CutSuffix(text, []byte(" BC"))
	days, rest, ok := calendar(text, bc)
	if !ok || len(rest) > 0 {
		return nil, errNoTime
	}
	if days < firstDay || days >= afterLastDay {
		return nil, errDoesNotFit
	}
	return appendInt32(dst, int32(days)), nil
}

// appendTimestamp encodes "2024-02-29 23:59:59.999999".
func appendTimestamp(dst, text []byte) ([]byte, error) { return appendMoment(dst, text, false) }

// appendTimestampTZ encodes "2024-02-29 23:59:59.999999+00".
func appendTimestampTZ(dst, text []byte) ([]byte, error) { return appendMoment(dst, text, true) }

func appendMoment(dst, text []byte, zoned bool) ([]byte, error) {
	if n, ok := endless(text); ok {
		return appendInt64(dst, n), nil
	}
	text, bc := bytes.CutSuffix(text, []byte(" BC"))
	days, rest, ok := calendar(text, bc)
	if !ok || len(rest) == 0 || rest[0] != ' ' {
		return nil, errNoTime
	}
	clock, rest, ok := timeOfDay(rest[1:])
	if !ok || clock >= day {
		return nil, errNoTime
	}
	var offset int64
	if zoned {
		if offset, rest, ok = zone(rest); !ok {
			return nil, errNoTime
		}
	}
	if len(rest) > 0 {
		return nil, errNoTime
	}
	if days < firstDay-1 || days > afterLastMoment { // before the zone moves it
		return nil, errDoesNotFit
	}
	moment := days*day + clock - offset*second
	if moment < firstDay*day || moment >= afterLastMoment*day {
		return nil, errDoesNotFit
	}
	return appendInt64(dst, moment), nil
}

// appendTime encodes "23:59:59.999999", and "24:00:00".
func appendTime(dst, text []byte) ([]byte, error) {
	clock, rest, ok := timeOfDay(text)
	if !ok || len(rest) > 0 {
		return nil, errNoTime
	}
	return appendInt64(dst, clock), nil
}

// appendTimeTZ encodes "23:59:59.999999+05:30". PostgreSQL counts the zone in seconds west of Greenwich.
func appendTimeTZ(dst, text []byte) ([]byte, error) {
	clock, rest, ok := timeOfDay(text)
	if !ok {
		return nil, errNoTime
	}
	offset, rest, ok := zone(rest)
	if !ok || len(rest) > 0 {
		return nil, errNoTime
	}
	return appendInt32(appendInt64(dst, clock), int32(-offset)), nil
}

// endless knows the two times that have no date.
func endless(text []byte) (int64, bool) {
	switch string(text) {
	case "infinity":
		return math.MaxInt64, true
	case "-infinity":
		return math.MinInt64, true
	}
	return 0, false
}

// calendar reads a date and returns its days since 2000-01-01.
func calendar(text []byte, bc bool) (days int64, rest []byte, ok bool) {
	n, rest, ok := natural(text)
	if width := len(text) - len(rest); !ok || n == 0 || width < 4 || width > 7 {
		return 0, nil, false
	}
	year := int64(n)
	if bc {
		year = 1 - year
	}
	month, rest, ok := twoDigits(rest, '-')
	if !ok || month < 1 || month > 12 {
		return 0, nil, false
	}
	dayOfMonth, rest, ok := twoDigits(rest, '-')
	if !ok || dayOfMonth < 1 || dayOfMonth > daysIn(year, month) {
		return 0, nil, false
	}
	return daysSince2000(year, month, dayOfMonth), rest, true
}

// twoDigits reads a separator and two digits.
func twoDigits(text []byte, separator byte) (n int64, rest []byte, ok bool) {
	if len(text) < 3 || text[0] != separator || text[1]-'0' > 9 || text[2]-'0' > 9 {
		return 0, nil, false
	}
	return int64(text[1]-'0')*10 + int64(text[2]-'0'), text[3:], true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince2000 counts in years that begin in March, so that the day that comes and goes is the last of its year, and
// in eras of 400 years, which all have the same days.
func daysSince2000(year, month, dayOfMonth int64) int64 {
	const daysOfEra, daysTo2000 = 146_097, 730_425 // the latter from 0000-03-01
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + dayOfMonth - 1
	return era*daysOfEra + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - daysTo2000
}

// timeOfDay reads HH:MM:SS[.ffffff].
func timeOfDay(text []byte) (microseconds int64, rest []byte, ok bool) {
	if len(text) < 2 || text[0]-'0' > 9 || text[1]-'0' > 9 {
		return 0, nil, false
	}
	hours := int64(text[0]-'0')*10 + int64(text[1]-'0')
	microseconds, rest, ok = minutes(text[2:])
	microseconds += hours * hour
	return microseconds, rest, ok && microseconds <= day
}

// minutes reads :MM:SS[.ffffff].
func minutes(text []byte) (microseconds int64, rest []byte, ok bool) {
	m, rest, ok := twoDigits(text, ':')
	if !ok || m > 59 {
		return 0, nil, false
	}
	s, rest, ok := twoDigits(rest, ':')
	if !ok || s > 59 {
		return 0, nil, false
	}
	f, rest, ok := fraction(rest)
	return m*minute + s*second + f, rest, ok
}

// fraction reads up to six decimals of a second, or nothing.
func fraction(text []byte) (microseconds int64, rest []byte, ok bool) {
	if len(text) == 0 || text[0] != '.' {
		return 0, text, true
	}
	n, rest, ok := natural(text[1:])
	width := len(text) - 1 - len(rest)
	if !ok || width > 6 {
		return 0, nil, false
	}
	for ; width < 6; width++ {
		n *= 10
	}
	return int64(n), rest, true
}

// zone reads +HH[:MM[:SS]] and returns the seconds east of Greenwich.
func zone(text []byte) (seconds int64, rest []byte, ok bool) {
	if len(text) == 0 || text[0] != '+' && text[0] != '-' {
		return 0, nil, false
	}
	hours, rest, ok := twoDigits(text, text[0])
	if !ok || hours > 15 {
		return 0, nil, false
	}
	seconds = hours * 3600
	for unit := int64(60); unit > 0 && len(rest) > 0; unit /= 60 {
		var part int64
		if part, rest, ok = twoDigits(rest, ':'); !ok || part > 59 {
			return 0, nil, false
		}
		seconds += part * unit
	}
	if text[0] == '-' {
		seconds = -seconds
	}
	return seconds, rest, true
}
