package parse_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/pipeline/lineage"
	"github.com/redcache/redcache/pipeline/lineage/parse"
)

// tables are those of all tests.
var tables = map[string][]string{
	"shop.sale": {"id", "buyer_id", "item_id", "qty", "price", "at"},
	"shop.item": {"id", "name", "price", "kind"},
	"buyer":     {"buyer_id", "name", "region"},
}

func columnsOf(r lineage.Relation) ([]string, bool) {
	columns, known := tables[r.String()]
	return columns, known
}

// text writes a lineage in one line: out <- from copied, from changed; | filters.
func text(l lineage.Lineage) string {
	var all []string
	for _, o := range l.Outputs {
		line := o.Name
		for i, e := range o.From {
			line += map[bool]string{true: " = ", false: " + "}[i == 0] + e.From.String()
			if e.Kind == lineage.Changed {
				line += "~"
			}
		}
		if o.Unknown != "" {
			line += " ? " + o.Unknown
		}
		all = append(all, line)
	}
	var filters []string
	for _, c := range l.Filters {
		filters = append(filters, c.String())
	}
	line := strings.Join(all, "; ") + " | " + strings.Join(filters, " ")
	if l.Unknown != "" {
		line += " ? " + l.Unknown
	}
	return line
}

func TestOfRemote(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ query, names, want string }{
		{
			`SELECT id, s.qty * price AS total FROM shop.sale s WHERE at > '2026-01-01'`, "id total",
			"id = shop.sale.id; total = shop.sale.price~ + shop.sale.qty~ | shop.sale.at",
		},
		{ // of a relation whose columns nobody has told
			`SELECT grp, count(*) AS n FROM far.away WHERE v > 3 GROUP BY grp ORDER BY grp LIMIT 5`, "grp n",
			"grp = far.away.grp; n | far.away.grp far.away.v",
		},
		{
			`SELECT v + 1 AS grp, count(*) AS n FROM far.away GROUP BY grp`, "grp n",
			"grp = far.away.v~; n | far.away.v ? grp may be of away, whose columns are not known, or not",
		},
		{
			`SELECT * FROM shop.item`, "id name price kind",
			"id = shop.item.id; name = shop.item.name; price = shop.item.price; kind = shop.item.kind | ",
		},
		{
			`SELECT i.*, count(*) AS n FROM shop.sale s JOIN shop.item i ON i.id = s.item_id GROUP BY 1, 2, 3, 4`, "id name price kind n",
			"id = shop.item.id; name = shop.item.name; price = shop.item.price; kind = shop.item.kind; n | " +
				"shop.item.id shop.item.kind shop.item.name shop.item.price shop.sale.item_id",
		},
		{
			`WITH big AS (SELECT item_id, sum(qty) AS n FROM shop.sale GROUP BY item_id HAVING max(price) > 5)
			SELECT name, n FROM big JOIN shop.item ON id = item_id`, "name n",
			"name = shop.item.name; n = shop.sale.qty~ | shop.item.id shop.sale.item_id shop.sale.price",
		},
		{
			`SELECT name, buyer_id FROM shop.sale JOIN buyer USING (buyer_id)`, "name buyer_id",
			"name = buyer.name; buyer_id = shop.sale.buyer_id | buyer.buyer_id shop.sale.buyer_id",
		},
		{
			`SELECT buyer_id FROM shop.sale FULL JOIN buyer USING (buyer_id)`, "buyer_id",
			"buyer_id = buyer.buyer_id~ + shop.sale.buyer_id~ | buyer.buyer_id shop.sale.buyer_id",
		},
		{`SELECT name FROM buyer UNION ALL SELECT name FROM shop.item`, "name", "name = buyer.name + shop.item.name | "},
		{`SELECT name FROM buyer MINUS SELECT name FROM shop.item`, "name", "name = buyer.name | buyer.name shop.item.name"},
		{`SELECT TOP 3 name FROM buyer ORDER BY region`, "name", "name = buyer.name | buyer.region"},
		{`SELECT name FROM buyer ORDER BY region`, "name", "name = buyer.name | "},
		{`SELECT DISTINCT region FROM buyer`, "region", "region = buyer.region | buyer.region"},
		{
			`SELECT price * 2 AS twice, twice + qty AS more FROM shop.sale`, "twice more",
			"twice = shop.sale.price~; more = shop.sale.price~ + shop.sale.qty~ | ",
		},
		{`SELECT dateadd(day, qty, at) AS due, sysdate AS now FROM shop.sale`, "due now", "due = shop.sale.at~ + shop.sale.qty~; now | "},
		{
			`SELECT (SELECT max(s.at) FROM shop.sale s WHERE s.buyer_id = b.buyer_id) AS last FROM buyer b`, "last",
			"last = buyer.buyer_id~ + shop.sale.at~ + shop.sale.buyer_id~ | ",
		},
		{
			`SELECT name FROM buyer b WHERE EXISTS (SELECT 1 FROM shop.sale s WHERE s.buyer_id = b.buyer_id)`, "name",
			"name = buyer.name | buyer.buyer_id shop.sale.buyer_id",
		},
		{
			`SELECT id, row_number() OVER (PARTITION BY item_id ORDER BY at) AS n FROM shop.sale QUALIFY n = 1`, "id n",
			"id = shop.sale.id; n = shop.sale.at~ + shop.sale.item_id~ | shop.sale.at shop.sale.item_id",
		},
		{
			`SELECT x.a.b AS inner_b, o.price AS price FROM big.doc x, x.orders o`, "inner_b price",
			"inner_b = big.doc.a~; price = big.doc.orders~ | ",
		},
		{`SELECT "Name" FROM buyer`, "name", "name = buyer.name | "},
		{`WITH RECURSIVE up (id, top) AS (SELECT id, name FROM shop.item UNION ALL SELECT s.item_id, top FROM up JOIN shop.sale s ON s.id = up.id)
			SELECT top FROM up`, "top", "top = shop.item.name | shop.item.id shop.sale.id shop.sale.item_id"},
		// What cannot be said.
		{`SELECT * FROM nobody.knows`, "a b", "a = nobody.knows.a; b = nobody.knows.b | "},
		{`SELECT 1 AS one, k.*, qty FROM nobody.knows k JOIN shop.sale ON true`, "one a b qty", "one; a = nobody.knows.a; b = nobody.knows.b; qty = shop.sale.qty | "},
		{`SELECT * FROM nobody.knows, other.one`, "a b", "a ? the columns of knows are not known; b ? the columns of knows are not known |  ? the columns of knows are not known"},
		{`SELECT * FROM (SELECT * FROM nobody.knows) s`, "a b", "a ? the columns of knows are not known; b ? the columns of knows are not known |  ? the columns of knows are not known"},
		{`SELECT a FROM nobody.knows`, "a", "a = nobody.knows.a | "},
		{`SELECT a FROM nobody.knows, other.one`, "a", "a ? a may be of knows, whose columns are not known, or not | "},
		{`SELECT qty AS q, region FROM shop.sale, nobody.knows`, "q region", "q = shop.sale.qty; region = nobody.knows.region | "},
		{`SELECT id AS i FROM shop.sale, shop.item`, "i", "i ? id may be of sale or of item | "},
		{`SELECT name FROM buyer b NATURAL JOIN nobody.knows`, "name", "name ? a NATURAL JOIN, of which the columns of knows are not known |  ? a NATURAL JOIN, of which the columns of knows are not known"},
		{`SELECT name FROM buyer`, "name more", "name ? the server says that it has 2 columns, and the parser finds 1; more ? the server says that it has 2 columns, and the parser finds 1 |  ? the server says that it has 2 columns, and the parser finds 1"},
		{`SELECT name FROM buyer`, "region", "region ? the server calls column 1 region, and the parser name |  ? the server calls column 1 region, and the parser name"},
	} {
		if got := text(parse.OfRemote(tt.query, strings.Fields(tt.names), columnsOf)); got != tt.want {
			t.Errorf("%s\nis   %s\nwant %s", tt.query, got, tt.want)
		}
	}
}

func TestOf_WhatNobodyUnderstandsIsUnknown(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"SELECT * EXCLUDE (price) FROM shop.item", "SELECT * FROM shop.sale PIVOT (sum(qty) FOR item_id IN (1, 2))", "DELETE FROM shop.item",
		"SELECT 1; SELECT 2", "SELECT 'a", "", "SELECT id FROM shop.item WHERE",
	} {
		for which, l := range map[string]lineage.Lineage{
			"remote": parse.OfRemote(query, []string{"id"}, columnsOf), "local": parse.OfLocal(query, []string{"id"}, columnsOf),
		} {
			if l.Unknown == "" || len(l.Outputs) != 1 || l.Outputs[0].Unknown == "" || len(l.Filters) > 0 {
				t.Errorf("%s, %s: %s", which, query, text(l))
			}
		}
	}
}
