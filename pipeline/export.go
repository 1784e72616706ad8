package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// Exported is a view that is there, as the file that makes it.
type Exported struct {
	Name catalog.Name
	Path string // SCHEMA/NAME.sql
	Text string
}

// Export writes views that are there as the files that make them: [Project.Compare] says of these that nothing changes. That
// is proven before they are returned. What cannot be written in a file is a problem of the view.
func Export(live []catalog.View) (files []Exported, problems Problems) {
	named := map[redshift.Relation]bool{}
	for _, v := range live {
		named[redshift.Relation{Schema: v.Name.Schema, Name: v.Name.View}] = true
	}
	promised := slices.ContainsFunc(live, func(v catalog.View) bool { return v.MaxAge > 0 })
	for _, v := range live {
		e := Exported{Name: v.Name, Path: fileName(v.Name.Schema) + "/" + fileName(v.Name.View) + ".sql"}
		if err := e.write(v, named, promised); err != nil {
			problems = append(problems, e.problem(message(err), infra.Hint(err)))
		}
		files = append(files, e)
	}
	if problems == nil {
		problems = prove(files, live)
	}
	return files, problems.sorted()
}

// write writes the header, with what differs from what holds where nothing is said, and the query. Where that begins as a
// header does, or has what looks like one, the header says where it ends.
func (e *Exported) write(v catalog.View, named map[redshift.Relation]bool, promised bool) error {
	if err := v.CheckStored(); err != nil {
		return err
	}
	header, err := headerOf(v, named)
	if err != nil {
		return err
	}
	if promised && v.RefreshEvery == 0 { // else an interval would follow from what is promised
		header += "-- @every 0\n"
	}
	e.Text = header + strings.Trim(v.Query, blanks) + "\n"
	if f, wrong := Parse(e.Path, []byte(e.Text)); wrong != nil || !sameQuery(*f.Draft.Query, v.Query) {
		e.Text = header + "-- @query verbatim\n" + v.Query + "\n"
	}
	return nil
}

// headerOf is a header of line comments: there is nothing but the end of the line that would end one.
func headerOf(v catalog.View, named map[redshift.Relation]bool) (string, error) {
	text := ""
	say := func(tag, value string) error {
		if value == "" || strings.Trim(value, blanks) != value || strings.Contains(value, "\n") {
			return infra.Hinted(fmt.Errorf("no header can have @%s %q", tag, infra.Bounded(value)),
				"A value is not empty, has no line break, and neither begins nor ends with a blank.")
		}
		text += "-- @" + tag + " " + value + "\n"
		return nil
	}
	err := errors.Join(say("matview-schema", v.Name.Schema), say("matview-name", v.Name.View))
	if v.Kind == catalog.RemoteSource && mistakable(v.Query, named) {
		err = errors.Join(err, say("names", string(FromRedshift)))
	}
	least := v.Least()
	for _, f := range catalog.Fields {
		for _, value := range f.Texts(least) {
			err = errors.Join(err, say(f.Name, value))
		}
	}
	return text, err
}

// mistakable says whether what a query of Redshift names would be looked for among the views.
func mistakable(query string, named map[redshift.Relation]bool) bool {
	places, err := redshift.References(query, "")
	for _, place := range places {
		if place.Schema == "" || named[place.Relation] {
			return true
		}
	}
	return err != nil
}

// prove reads what was written, and finds what would change.
func prove(files []Exported, live []catalog.View) (problems Problems) {
	p := &Project{}
	at := map[string]Exported{}
	for _, e := range files {
		at[e.Path] = e
		problems = append(problems, p.add(e.Path, []byte(e.Text))...)
	}
	var changes []Change
	if problems = append(problems, p.complete()...); problems == nil {
		var defined map[*View]*catalog.Definition
		defined, problems = p.definitions()
		changes = p.compare(defined, live, false)
	}
	for i, wrong := range problems {
		problems[i] = at[wrong.Path].problem(wrong.What, wrong.Fix)
	}
	for _, c := range changes {
		if c.Kind != Unchanged {
			what := "what is read of it is another view"
			if c.Before != nil {
				what = "it is not read as it was written: " + strings.Join(namesOf(changedFields(c.Before.Definition, c.After)), ", ")
			}
			problems = append(problems, at[c.View.Path].problem(what, ""))
		}
	}
	return problems
}

func (e Exported) problem(what, fix string) Problem {
	what = "view " + e.Name.String() + " cannot be written as a file: " + strings.ReplaceAll(what, "\n", "; ")
	return Problem{Path: e.Path, What: infra.Printable(what), Fix: fix}
}

// fileName is a part of a name as the name of a file: what is no letter, digit, hyphen or underscore is written as %20.
func fileName(part string) string {
	var name strings.Builder
	for _, r := range part {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' {
			name.WriteRune(r)
			continue
		}
		for _, b := range []byte(string(r)) {
			fmt.Fprintf(&name, "%%%02X", b)
		}
	}
	return name.String()
}
