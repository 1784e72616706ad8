package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
)

func TestColumnChanges(t *testing.T) {
	t.Parallel()
	column := func(name, kind string) catalog.Column { return catalog.Column{Name: name, Type: kind} }
	id, note := column("id", "integer"), catalog.Column{Name: "note", Type: "character varying(9)", Local: "text"}
	for _, tt := range []struct {
		name          string
		before, after []catalog.Column
		want          []string
	}{
		{"nothing", []catalog.Column{id, note}, []catalog.Column{id, note}, nil},
		{"none at all", nil, nil, nil},
		{"one comes", []catalog.Column{id}, []catalog.Column{id, note}, []string{`column "note" comes, text`}},
		{"one goes", []catalog.Column{id, note}, []catalog.Column{id}, []string{`column "note" goes`}},
		{"all of them go", []catalog.Column{id, note}, nil, []string{`column "id" goes`, `column "note" goes`}},
		{"one changes", []catalog.Column{id, note}, []catalog.Column{column("id", "bigint"), note}, []string{`column "id" changes from integer to bigint`}},
		{
			"one takes another's place",
			[]catalog.Column{id, note},
			[]catalog.Column{id, column("Note", "date")},
			[]string{`column "Note" comes, date`, `column "note" goes`},
		},
		{
			"all at once, what comes and changes first, in the new order",
			[]catalog.Column{id, note, column("old", "date")},
			[]catalog.Column{column("new", "date"), {Name: "note", Type: "integer", Local: "integer"}, id},
			[]string{`column "new" comes, date`, `column "note" changes from text to integer`, `column "old" goes`},
		},
		{"the order", []catalog.Column{id, note}, []catalog.Column{note, id}, []string{"the order of the columns changes"}},
		{"a length, which is not kept", []catalog.Column{note}, []catalog.Column{{Name: "note", Type: "character varying(20)", Local: "text"}}, nil},
		{
			"a copy that was made by older rules, which nobody has noted",
			[]catalog.Column{column("note", "character varying(9)"), column("x", "real")},
			[]catalog.Column{note, {Name: "x", Type: "real", Local: "double precision"}},
			[]string{`column "note" changes from character varying(9) to text`, `column "x" changes from real to double precision`},
		},
		{"types that nobody knows", []catalog.Column{column("x", "this")}, []catalog.Column{column("x", "that")}, []string{`column "x" changes from this to that`}},
		{
			"names that would be something else",
			[]catalog.Column{column("a\"b\n;drop table x;--", "date")},
			[]catalog.Column{column("\x1b[2J\u202e*/", "date")},
			[]string{`column U&"\001b[2J\202e*/" comes, date`, `column U&"a""b\000a;drop table x;--" goes`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, catalog.ColumnChanges(tt.before, tt.after)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
