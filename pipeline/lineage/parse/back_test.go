package parse_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/pipeline/lineage"
	"github.com/redcache/redcache/pipeline/lineage/parse"
)

func view(query, columns string, inputs ...lineage.Relation) parse.Query {
	return parse.Query{Text: query, Columns: strings.Fields(columns), Local: len(inputs) > 0, Inputs: inputs}
}

func TestBack(t *testing.T) {
	t.Parallel()
	rel := func(name string) lineage.Relation { return lineage.Relation{Schema: "bi", Name: name} }
	views := parse.Views(parse.Queries{
		rel("value"):    view(`SELECT o.user_id, sum(i.amount) AS paid FROM db.orders o JOIN db.invoices i ON i.order_id = o.id WHERE i.state <> 'Pending' GROUP BY 1`, "user_id paid"),
		rel("users"):    view(`SELECT * FROM db.users`, "user_id name"),
		rel("health"):   view(`SELECT u.*, v.paid AS value, paid * 2 AS twice, count(*) OVER () AS n FROM bi.users u JOIN bi.value v USING (user_id)`, "user_id name value twice n", rel("users"), rel("value")),
		rel("top"):      view(`SELECT name, value FROM bi.health WHERE twice > 10`, "name value", rel("health")),
		rel("loud"):     view(`SELECT name || '!' AS loud FROM bi.users`, "loud", rel("users")),
		rel("guess"):    view(`SELECT amount, x FROM db.a, db.b`, "amount x"),
		rel("guesses"):  view(`SELECT g.amount, h.name FROM bi.guess g, bi.health h`, "amount name", rel("guess"), rel("health")),
		rel("circular"): view(`SELECT a FROM bi.circular`, "a", rel("circular")),
	})
	const rows = "db.invoices.order_id db.invoices.state db.orders.id db.orders.user_id db.users.user_id"
	for name, want := range map[string]string{
		"users":    "user_id = db.users.user_id; name = db.users.name | ",
		"value":    "user_id = db.orders.user_id; paid = db.invoices.amount~ | db.invoices.order_id db.invoices.state db.orders.id db.orders.user_id",
		"health":   "user_id = db.users.user_id; name = db.users.name; value = db.invoices.amount~; twice = db.invoices.amount~; n | " + rows,
		"top":      "name = db.users.name; value = db.invoices.amount~ | db.invoices.amount " + rows,
		"loud":     "loud = db.users.name~ | ",
		"guess":    "amount ? amount may be of a, whose columns are not known, or not; x ? x may be of a, whose columns are not known, or not | ",
		"guesses":  "amount ? amount may be of a, whose columns are not known, or not; name = db.users.name | " + rows,
		"circular": "a ? bi.circular is computed from itself |  ? bi.circular is computed from itself",
	} {
		if got := text(views.Back(rel(name))); got != want {
			t.Errorf("%s\nis   %s\nwant %s", name, got, want)
		}
	}
}
