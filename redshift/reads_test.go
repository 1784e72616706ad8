package redshift_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
)

func TestReadsOf_NamesRelationsAndColumns(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`SELECT id FROM shop.sale`:                                           "[{shop sale}] id",
		`SELECT s.id, a * 2 AS n FROM shop.sale s`:                           "[{shop sale}] a id",
		`SELECT sum(a*b) FROM "shop"."odd name" GROUP BY (id) * 2`:           "[{shop odd name}] a b id",
		`SELECT ID FROM Shop.Sale WHERE "A" = 'b'`:                           "[{shop sale}] a id",
		`SELECT * FROM shop.sale`:                                            "[{shop sale}] a b id",
		`SELECT TOP 5 * FROM shop.sale`:                                      "[{shop sale}] a b id",
		`SELECT s.* FROM shop.sale s`:                                        "[{shop sale}] a b id",
		`SELECT 1, * FROM shop.sale`:                                         "[{shop sale}] a b id",
		`SELECT * EXCLUDE (b) FROM shop.sale`:                                "[{shop sale}] a b id",
		`SELECT count(*) FROM shop.sale`:                                     "[{shop sale}] a b id",
		`SELECT id FROM shop.sale NATURAL JOIN shop.region`:                  "[{shop sale} {shop region}] a b id",
		`SELECT id FROM shop.sale WHERE a IN (SELECT b FROM shop.two)`:       "[{shop sale} {shop two}] a b id",
		`WITH x AS (SELECT id FROM shop.sale) SELECT id /* b */ FROM x -- a`: "[{shop sale}] id",
	} {
		reads, err := redshift.ReadsOf(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		got := fmt.Sprint(reads.Relations)
		for _, column := range []string{"a", "b", "id"} {
			if reads.Uses(column) {
				got += " " + column
			}
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func TestReadsOf_SaysWhatCannotBeTold(t *testing.T) {
	t.Parallel()
	for query, reason := range map[string]string{
		`SELECT id FROM sale`:         "sale is named without its schema",
		`SELECT id FROM dw.shop.sale`: "dw.shop.sale is named with a database",
		`SELECT n FROM shop.ids() n`:  "reads from a function, shop.ids",
		`SELECT id FROM shop."Sale"`:  `"Sale" has capital letters`,
		`SELECT 1`:                    "reads no table",
	} {
		_, err := redshift.ReadsOf(query)
		var untrusted *redshift.UntrustedError
		if !errors.As(err, &untrusted) {
			t.Errorf("%s: got %v", query, err)
			continue
		}
		linktest.Contains(t, untrusted.Reason, reason)
	}
}

func TestReadsIn_KnowsItsOwnDatabase(t *testing.T) {
	t.Parallel()
	reads, err := redshift.ReadsIn("SELECT id FROM DW.shop.sale JOIN shop.sale AS b USING (id), b.items i", "dw")
	if want := []redshift.Relation{{Schema: "shop", Name: "sale"}}; err != nil || !slices.Equal(reads.Relations, want) {
		t.Errorf("got %v, %v, want %v", reads.Relations, err, want)
	}
	if _, err := redshift.ReadsIn("SELECT id FROM dx.shop.sale", "dw"); err == nil {
		t.Error("another database is taken for this one")
	}
}

func TestReads_ProvedByThePlan(t *testing.T) {
	t.Parallel()
	b := modifiedSetup(t)
	prove := func(s *dblink.Session, query string) error {
		reads, err := redshift.ReadsOf(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return reads.Prove(t.Context(), s, query)
	}
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		for _, query := range []string{
			"SELECT id FROM shop.sale",
			"SELECT s.id FROM shop.sale s JOIN shop.region r ON r.name = 'x' AND r.id = s.id",
			"WITH a AS (SELECT max(id) AS n FROM shop.sale) SELECT a.n FROM a, a AS b",
		} {
			if err := prove(s, query); err != nil {
				t.Errorf("%s: %v", query, err)
			}
		}
		for query, reason := range map[string]string{
			"SELECT id FROM shop.sold":                "scans sale, which the query does not name",
			"SELECT relname FROM pg_catalog.pg_class": `its plan has "LD Seq Scan on pg_class"`,
			"SELECT id FROM shop.nowhere":             `relation "shop.nowhere" does not exist`,
		} {
			var untrusted *redshift.UntrustedError
			if err := prove(s, query); !errors.As(err, &untrusted) {
				t.Errorf("%s: got %v", query, err)
			} else {
				linktest.Contains(t, untrusted.Reason, reason)
			}
		}
	})
	rewritten := plan{"XN Seq Scan on mv_tbl__auto_mv_2000__0  (cost=0.00..1.00 rows=1 width=4)"}
	reads, err := redshift.ReadsOf("SELECT sum(id) FROM shop.sale")
	if err != nil {
		t.Fatal(err)
	}
	if err := reads.Prove(t.Context(), rewritten, "SELECT sum(id) FROM shop.sale"); err != nil {
		t.Errorf("a materialized view that Redshift put there by itself: %v", err)
	}
}
