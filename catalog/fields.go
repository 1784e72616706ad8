package catalog

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// Field is a part of a definition as people write it: a flag of cachectl, or a tag in the file of a pipeline.
type Field struct {
	Name    string // strategy, max-age
	Repeats bool   // each text is one element of a list; else it is given once

	read  func(d *Draft, text string) error
	write func(d Draft) []string
}

// Read puts what a text says into a draft.
func (f Field) Read(d *Draft, text string) error { return f.read(d, text) }

// Texts are those from which [Field.Read] reads what a draft says of the field; none: it says nothing.
func (f Field) Texts(d Draft) []string { return f.write(d) }

// Fields are all but the query.
var Fields = []Field{
	text("link", func(d *Draft) **string { return &d.Link }),
	word("strategy", func(d *Draft) **Strategy { return &d.Strategy }, Strategies),
	word("transport", func(d *Draft) **Transport { return &d.Transport }, Transports),
	one("key", func(d *Draft) **[]string { return &d.Key }, readNames, writeNames),
	text("watermark", func(d *Draft) **string { return &d.Watermark }),
	text("lookback", func(d *Draft) **string { return &d.Lookback }),
	span("safety-lag", func(d *Draft) **time.Duration { return &d.SafetyLag }),
	span("reconcile-every", func(d *Draft) **time.Duration { return &d.ReconcileEvery }),
	span("every", func(d *Draft) **time.Duration { return &d.RefreshEvery }),
	span("max-age", func(d *Draft) **time.Duration { return &d.MaxAge }),
	span("timeout", func(d *Draft) **time.Duration { return &d.Timeout }),
	list("index", func(d *Draft) **[]string { return &d.Indexes }, asItIs),
	list("grant", func(d *Draft) **[]string { return &d.Grantees }, asItIs),
	word("nul-bytes", func(d *Draft) **NulBytes { return &d.NulBytes }, []NulBytes{StripNul, TrustNul}),
	text("group", func(d *Draft) **string { return &d.Group }),
	one("allow-shrink", func(d *Draft) **int { return &d.AllowShrink }, readPercent, strconv.Itoa),
	list("check", func(d *Draft) **[]string { return &d.Checks }, readRule),
	word("skip-unchanged", func(d *Draft) **SkipUnchanged { return &d.SkipUnchanged }, SkipModes),
	one("ready-when", func(d *Draft) **string { return &d.ReadyWhen }, ReadCondition, func(text string) string { return text }),
	text("split", func(d *Draft) **string { return &d.Split }),
	one("sessions", func(d *Draft) **int { return &d.Sessions }, readCount, strconv.Itoa),
	text("owner", func(d *Draft) **string { return &d.Owner }),
	text("description", func(d *Draft) **string { return &d.Description }),
}

// one is a field that is given once.
func one[T any](name string, at func(*Draft) **T, read func(string) (T, error), write func(T) string) Field {
	return Field{
		Name: name,
		read: func(d *Draft, text string) error {
			value, err := read(text)
			if err == nil {
				*at(d) = &value
			}
			return err
		},
		write: func(d Draft) []string {
			if value := *at(&d); value != nil {
				return []string{write(*value)}
			}
			return nil
		},
	}
}

func text(name string, at func(*Draft) **string) Field {
	same := func(text string) string { return text }
	return one(name, at, asItIs, same)
}

func asItIs(text string) (string, error) { return text, nil }

func readRule(text string) (string, error) {
	r, err := ParseRule(text)
	if err != nil {
		return "", err
	}
	return r.String(), nil
}

func word[T ~string](name string, at func(*Draft) **T, all []T) Field {
	read := func(text string) (T, error) {
		if slices.Contains(all, T(text)) {
			return T(text), nil
		}
		return "", fmt.Errorf("choose one of %s", strings.Join(words(all), ", "))
	}
	return one(name, at, read, func(word T) string { return string(word) })
}

func span(name string, at func(*Draft) **time.Duration) Field {
	return one(name, at, ParseSpan, FormatDuration)
}

// list is a field of which each text is one element.
func list(name string, at func(*Draft) **[]string, read func(string) (string, error)) Field {
	return Field{
		Name: name, Repeats: true,
		read: func(d *Draft, text string) error {
			all := at(d)
			if *all == nil {
				*all = &[]string{}
			}
			element, err := read(text)
			if err == nil {
				**all = append(**all, element)
			}
			return err
		},
		write: func(d Draft) []string {
			if all := *at(&d); all != nil {
				return *all
			}
			return nil
		},
	}
}

// ReadCondition reads a query that says whether there is something to read; nothing says that there always is. The error is a
// [*redshift.QueryError].
func ReadCondition(text string) (string, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", nil
	}
	return redshift.ReadQuery(text)
}

// readNames reads columns as a,b, in double quotes where a name has a comma or a quote, as in the flag.
func readNames(text string) (names []string, err error) {
	r := csv.NewReader(strings.NewReader(text))
	r.TrimLeadingSpace = true
	read, err := r.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf(`%q is no list of names; write a,b, and "a,b" where a comma or a quote is in a name`, infra.Bounded(text))
	}
	for _, name := range read {
		names = append(names, strings.TrimSpace(name))
	}
	return names, nil
}

func writeNames(names []string) string {
	var text strings.Builder
	w := csv.NewWriter(&text)
	_ = w.Write(names) // into memory
	w.Flush()
	return strings.TrimSuffix(text.String(), "\n")
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

func readPercent(text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
	if err != nil || n < 0 || n > 100 {
		return 0, fmt.Errorf("%q is no share; write 0 to 100 percent, like 30 or 30%%", text)
	}
	return n, nil
}

func readCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", text)
	}
	return n, nil
}
