package parse_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redcache/redcache/pipeline/lineage"
	"github.com/redcache/redcache/pipeline/lineage/parse"
)

// shop is views of four layers. Of bi.guess nobody can say what it comes from, nor of what reads it.
func shop() (views lineage.Views, rel func(string) lineage.Relation) {
	rel = func(name string) lineage.Relation { return lineage.Relation{Schema: "bi", Name: name} }
	return parse.Views(parse.Queries{
		rel("value"):   view(`SELECT user_id, sum(amount) AS paid FROM db.orders GROUP BY 1`, "user_id paid"),
		rel("users"):   view(`SELECT * FROM db.users`, "user_id name"),
		rel("health"):  view(`SELECT u.*, v.paid AS value, paid * 2 AS twice FROM bi.users u JOIN bi.value v USING (user_id)`, "user_id name value twice", rel("users"), rel("value")),
		rel("top"):     view(`SELECT name, value FROM bi.health WHERE twice > 10`, "name value", rel("health")),
		rel("loud"):    view(`SELECT name || '!' AS loud FROM bi.users`, "loud", rel("users")),
		rel("guess"):   view(`SELECT amount, x FROM db.a, db.b`, "amount x"),
		rel("guesses"): view(`SELECT g.amount, t.value AS v FROM bi.guess g, bi.top t`, "amount v", rel("guess"), rel("top")),
		rel("odd"):     view(`SELECT name, generate_series(1, user_id) OPERATOR(x.+) 1 AS n FROM bi.users, bi.loud, lateral`, "name n", rel("users"), rel("loud")),
	}), rel
}

// Forth is Back, the other way round: of a view in the middle, what is computed from it, each behind what it is computed from.
func TestForth(t *testing.T) {
	t.Parallel()
	views, rel := shop()
	for name, want := range map[string][]string{
		"value": {
			"health through bi.value: user_id; name; value = bi.value.paid; twice = bi.value.paid~ | bi.value.user_id",
			"top through bi.health: name; value = bi.value.paid | bi.value.paid bi.value.user_id",
			"guesses through bi.top: amount; v = bi.value.paid | bi.value.paid bi.value.user_id",
		},
		"guess": {"guesses through bi.guess: amount = bi.guess.amount; v | "},
		"top":   {"guesses through bi.top: amount; v = bi.top.value | "},
		"odd":   nil,
	} {
		var got []string
		for _, r := range views.Forth(rel(name)) {
			got = append(got, fmt.Sprintf("%s through %v: %s", r.View.Name, r.Through[0], text(r.Lineage)))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s\nis   %s\nwant %s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// What the parser cannot say stays unknown, in what is computed from it as well.
func TestForth_UnknownStaysUnknown(t *testing.T) {
	t.Parallel()
	views, rel := shop()
	after := view(`SELECT n FROM bi.odd`, "n", rel("odd"))
	views[rel("after")] = lineage.View{
		Own: after.Read(parse.Queries{rel("odd"): view("", "name n")}), Inputs: after.Inputs, Columns: after.Columns,
	}
	list := views.Forth(rel("users"))
	for _, r := range list {
		if r.View.Name == "odd" || r.View.Name == "after" {
			if r.Unknown == "" || r.Outputs[0].Unknown == "" {
				t.Errorf("%s: %s", r.View.Name, text(r.Lineage))
			}
		}
	}
	if len(list) != 6 {
		t.Errorf("%d views are reached", len(list))
	}
}
