package pipeline

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// From is which server runs a query.
type From string

// The servers.
const (
	FromRedshift From = "redshift"
	FromCache    From = "cache"
)

// Froms lists them.
var Froms = []From{FromRedshift, FromCache}

// Kind is what a definition calls it.
func (f From) Kind() catalog.SourceKind {
	if f == FromCache {
		return catalog.LocalSource
	}
	return catalog.RemoteSource
}

// File is one file of a pipeline: a view, as its author says it.
type File struct {
	Path  string
	Name  catalog.Name  // without a prefix
	Draft catalog.Draft // with the query

	Source From // what the author takes for granted; empty: nothing

	text     string
	queryAt  int  // offset of the query in it
	readyAt  int  // and of the condition, which its tag says; 0: none does
	verbatim bool // all behind the header is the query, whatever it looks like
	foreign  bool // what the query names is on Redshift, also where a view has that name
}

// Query is the SELECT, without the header.
func (f *File) Query() string { return f.text[f.queryAt:] }

// Parse reads a file. It goes on behind what is wrong: the problems are all that there are.
func Parse(path string, content []byte) (*File, Problems) {
	f := &File{Path: path, text: strings.TrimPrefix(string(content), "\ufeff")}
	switch {
	case strings.HasPrefix(f.text, "\xff\xfe"), strings.HasPrefix(f.text, "\xfe\xff"):
		return f, Problems{{Path: path, What: "it is UTF-16, not UTF-8", Fix: "Save it as UTF-8."}}
	case !utf8.ValidString(f.text):
		return f, Problems{{Path: path, What: "it is not valid UTF-8", Fix: "Save it as UTF-8."}}
	}
	tags, at := header(f.text)
	f.queryAt = at
	problems := f.read(tags)
	problems = append(problems, f.checkName(tags)...)
	if at, name, found := misplaced(f.text, at); found && !f.verbatim {
		problems = append(problems, f.problem(at, "tag @"+name+" stands behind the beginning of the query",
			"Put it into the comment before it."))
	}
	return f, append(problems, f.checkQuery()...).sorted()
}

// read has each tag read, and finds those that nobody knows, that say nothing, and that say again what another has said.
func (f *File) read(tags []tag) (problems Problems) {
	said := map[string]tag{}
	for _, t := range tags {
		read := readerOf(t.name)
		if read == nil {
			problems = append(problems, f.unknown(t))
			continue
		}
		about := t.name
		if same := synonyms[t.name]; same != "" {
			about = same
		}
		if before, twice := said[about]; twice && !repeats(about) {
			problems = append(problems, f.problem(t.at, "@"+t.name+" says again what @"+before.name+" has said", "Leave one of them out."))
			continue
		}
		said[about] = t
		if t.value == "" {
			problems = append(problems, f.problem(t.at, "@"+t.name+" says nothing", "Write its value behind it, or leave it out."))
			continue
		}
		if t.name == readyTag {
			f.readyAt = t.valueAt
		}
		problems = append(problems, f.readValue(read, t)...)
	}
	return problems
}

func (f *File) readValue(read reader, t tag) Problems {
	err := read(f, t.value)
	if wrong, is := errors.AsType[*redshift.QueryError](err); is {
		at := t.valueAt
		if wrong.Line > 0 {
			at += offsetOf(t.value, wrong.Line, wrong.Column)
		}
		return Problems{f.problem(at, "@"+t.name+": "+wrong.Problem, wrong.Fix)}
	}
	if wrong, is := errors.AsType[*catalog.RuleError](err); is {
		return Problems{f.problem(t.valueAt+wrong.At, "@"+t.name+": "+wrong.Problem, "")}
	}
	if err != nil {
		return Problems{f.problem(t.valueAt, "@"+t.name+": "+err.Error(), "")}
	}
	return nil
}

func (f *File) unknown(t tag) Problem {
	fix := "docs/pipelines.md has all tags."
	if near := infra.Nearest(t.name, tagNames()); near != "" {
		fix = "Do you mean @" + near + "?"
	}
	return f.problem(t.at, "there is no tag @"+t.name, fix)
}

func (f *File) checkName(tags []tag) Problems {
	for _, name := range []string{"matview-schema", "matview-name"} {
		given := false
		for _, t := range tags {
			given = given || t.name == name
		}
		if !given {
			return Problems{f.problem(0, "its header has no @"+name, "Begin the file with a comment that has @matview-schema SCHEMA and @matview-name NAME.")}
		}
	}
	return nil
}

// checkQuery holds the query against what can stand as a subquery on Redshift, which is narrower than what PostgreSQL takes.
func (f *File) checkQuery() Problems {
	query, err := f.readQuery()
	if wrong := (*redshift.QueryError)(nil); errors.As(err, &wrong) {
		at := f.queryAt
		if wrong.Line > 0 {
			at += offsetOf(f.Query(), wrong.Line, wrong.Column)
		}
		return Problems{f.problem(min(at, len(f.text)), wrong.Problem, wrong.Fix)}
	}
	if err != nil {
		return Problems{f.problem(f.queryAt, err.Error(), infra.Hint(err))}
	}
	f.Draft.Query = &query
	return nil
}

func (f *File) readQuery() (string, error) {
	if !f.verbatim {
		return redshift.ReadQuery(f.Query())
	}
	query := strings.TrimSuffix(f.Query(), "\n") // which ends the file
	return query, redshift.CheckQuery(query)
}

// offsetOf is the offset of a place that is named by its line and its column in characters.
func offsetOf(text string, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	for ; column > 1 && at < len(text); column-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

func (f *File) problem(at int, what, fix string) Problem {
	return problemAt(f.Path, f.text, at, what, fix)
}
