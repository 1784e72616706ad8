package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redcache/redcache/catalog"
)

// reader puts what a tag says into a file.
type reader func(f *File, value string) error

// tags are what a header can say, beside the fields of a definition, whose names are those of cachectl's flags.
var ownTags = map[string]reader{
	// The founding header: its first line names a product and a version.
	"datacoral":           func(*File, string) error { return nil },
	"matview-schema":      func(f *File, v string) error { return set(&f.Name.Schema, v) },
	"matview-name":        func(f *File, v string) error { return set(&f.Name.View, v) },
	"matview-type":        only("regular", func(*File) {}),
	"table-type":          only("regular", func(*File) {}),
	"update-mode":         updateMode,
	"primary-keys":        func(f *File, v string) error { return field("key").Read(&f.Draft, v) },
	"interval-in-minutes": minutes,

	"query":  only("verbatim", func(f *File) { f.verbatim = true }),
	"names":  only("redshift", func(f *File) { f.foreign = true }),
	"source": func(f *File, v string) error { return choose(&f.Source, v, Froms...) },
}

// readyTag has a query of its own, in which servers find something.
const readyTag = "ready-when"

// synonyms say the same as another tag.
var synonyms = map[string]string{"primary-keys": "key", "interval-in-minutes": "every", "update-mode": "strategy"}

// readerOf is what reads a tag; nil for one that nobody knows.
func readerOf(name string) reader {
	if own := ownTags[name]; own != nil {
		return own
	}
	if i := slices.IndexFunc(catalog.Fields, func(f catalog.Field) bool { return f.Name == name }); i >= 0 {
		return func(f *File, value string) error { return catalog.Fields[i].Read(&f.Draft, value) }
	}
	return nil
}

func known(name string) bool { return readerOf(name) != nil }

// repeats says whether a tag may be given several times.
func repeats(name string) bool {
	return slices.ContainsFunc(catalog.Fields, func(f catalog.Field) bool { return f.Name == name && f.Repeats })
}

// tagNames are all names of tags.
func tagNames() (names []string) {
	for name := range ownTags {
		names = append(names, name)
	}
	for _, f := range catalog.Fields {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

func field(name string) catalog.Field {
	i := slices.IndexFunc(catalog.Fields, func(f catalog.Field) bool { return f.Name == name })
	return catalog.Fields[i]
}

func set(to *string, value string) error {
	*to = value
	return nil
}

func choose[T ~string](to *T, value string, all ...T) error {
	if !slices.Contains(all, T(value)) {
		words := make([]string, len(all))
		for i, word := range all {
			words[i] = string(word)
		}
		return fmt.Errorf("choose one of %s", strings.Join(words, ", "))
	}
	*to = T(value)
	return nil
}

// only takes a single word.
func only(word string, take func(*File)) reader {
	return func(f *File, value string) error {
		if value != word {
			return fmt.Errorf("only %s is known; leave it out", word)
		}
		take(f)
		return nil
	}
}

func updateMode(f *File, value string) error {
	switch value {
	case "replace":
		return nil
	case "merge":
		return field("strategy").Read(&f.Draft, string(catalog.Merge))
	case "append":
		return errors.New("rows are never only added; name a @key and a @watermark")
	}
	return errors.New("choose one of replace, append, merge")
}

func minutes(f *File, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || time.Duration(n) > maxMinutes {
		return fmt.Errorf("%q is no number of minutes", value)
	}
	every := time.Duration(n) * time.Minute
	f.Draft.RefreshEvery = &every
	return nil
}

// maxMinutes are those of the longest duration.
const maxMinutes = 10_000 * 24 * 60
