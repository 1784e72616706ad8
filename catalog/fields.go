package catalog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Field is a part of a definition as people write it: a flag of cachectl, or a tag in the file of a pipeline.
type Field struct {
	Name    string // strategy, max-age
	Repeats bool   // each text is one element of a list; else it is given once

	read func(d *Draft, text string) error
}

// Read puts what a text says into a draft.
func (f Field) Read(d *Draft, text string) error { return f.read(d, text) }

// Fields are all but the query.
var Fields = []Field{
	{Name: "link", read: text(func(d *Draft) **string { return &d.Link })},
	{Name: "strategy", read: word(func(d *Draft) **Strategy { return &d.Strategy }, Strategies)},
	{Name: "transport", read: word(func(d *Draft) **Transport { return &d.Transport }, Transports)},
	{Name: "key", read: names(func(d *Draft) **[]string { return &d.Key })},
	{Name: "watermark", read: text(func(d *Draft) **string { return &d.Watermark })},
	{Name: "lookback", read: text(func(d *Draft) **string { return &d.Lookback })},
	{Name: "safety-lag", read: duration(func(d *Draft) **time.Duration { return &d.SafetyLag })},
	{Name: "reconcile-every", read: duration(func(d *Draft) **time.Duration { return &d.ReconcileEvery })},
	{Name: "every", read: duration(func(d *Draft) **time.Duration { return &d.RefreshEvery })},
	{Name: "max-age", read: duration(func(d *Draft) **time.Duration { return &d.MaxAge })},
	{Name: "timeout", read: duration(func(d *Draft) **time.Duration { return &d.Timeout })},
	{Name: "index", Repeats: true, read: element(func(d *Draft) **[]string { return &d.Indexes })},
	{Name: "grant", Repeats: true, read: element(func(d *Draft) **[]string { return &d.Grantees })},
	{Name: "nul-bytes", read: word(func(d *Draft) **NulBytes { return &d.NulBytes }, []NulBytes{StripNul, TrustNul})},
	{Name: "group", read: text(func(d *Draft) **string { return &d.Group })},
	{Name: "allow-shrink", read: percent(func(d *Draft) **int { return &d.AllowShrink })},
	{Name: "skip-unchanged", read: word(func(d *Draft) **SkipUnchanged { return &d.SkipUnchanged }, SkipModes)},
	{Name: "split", read: text(func(d *Draft) **string { return &d.Split })},
	{Name: "sessions", read: count(func(d *Draft) **int { return &d.Sessions })},
}

func text(at func(*Draft) **string) func(*Draft, string) error {
	return func(d *Draft, text string) error {
		*at(d) = &text
		return nil
	}
}

func word[T ~string](at func(*Draft) **T, all []T) func(*Draft, string) error {
	return func(d *Draft, text string) error {
		for _, word := range all {
			if text == string(word) {
				*at(d) = &word
				return nil
			}
		}
		return fmt.Errorf("choose one of %s", strings.Join(words(all), ", "))
	}
}

// names are columns as a,b.
func names(at func(*Draft) **[]string) func(*Draft, string) error {
	return func(d *Draft, text string) error {
		var list []string
		for _, name := range strings.Split(text, ",") {
			list = append(list, strings.TrimSpace(name))
		}
		*at(d) = &list
		return nil
	}
}

func element(at func(*Draft) **[]string) func(*Draft, string) error {
	return func(d *Draft, text string) error {
		list := at(d)
		if *list == nil {
			*list = &[]string{}
		}
		**list = append(**list, text)
		return nil
	}
}

func duration(at func(*Draft) **time.Duration) func(*Draft, string) error {
	return func(d *Draft, text string) error {
		parsed, err := ParseSpan(text)
		if err == nil {
			*at(d) = &parsed
		}
		return err
	}
}

// ParseSpan reads a duration that is not negative, and that PostgreSQL would not take for none at all.
func ParseSpan(text string) (time.Duration, error) {
	parsed, err := ParseDuration(text)
	switch {
	case err != nil:
		return 0, err
	case parsed < 0:
		return 0, fmt.Errorf("%s is negative; write 30s, 5m, 2h or 7d", text)
	case parsed > 0 && parsed < time.Microsecond:
		return 0, fmt.Errorf("%s is too short; write at least 1us", text)
	}
	return parsed, nil
}

func percent(at func(*Draft) **int) func(*Draft, string) error {
	return func(d *Draft, text string) error {
		n, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
		if err != nil || n < 0 || n > 100 {
			return fmt.Errorf("%q is no share; write 0 to 100 percent, like 30 or 30%%", text)
		}
		*at(d) = &n
		return nil
	}
}

func count(at func(*Draft) **int) func(*Draft, string) error {
	return func(d *Draft, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		*at(d) = &n
		return nil
	}
}
