package read_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
)

// link is the bundle's link, as the catalog knows it.
func link(b *linktest.Bundle) catalog.Link {
	s := b.Server
	return catalog.Link{
		ID: 1, Name: strings.TrimPrefix(s.Name, redshift.ServerPrefix), Host: s.Host, Port: s.Port, Database: s.Database,
		User: s.User, SSLMode: "require", MaxConcurrency: 4,
	}
}

// query describes what a query returns.
func query(t *testing.T, b *linktest.Bundle, text string) read.Query {
	t.Helper()
	q := read.Query{Text: text, NulBytes: catalog.StripNul}
	b.InTx(t, func(tx pgx.Tx) {
		s := linktest.Open(t, tx, b.Server.Name)
		var err error
		if q.Columns, err = redshift.Describe(t.Context(), s, text); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	return q
}

// table makes an empty table of the query's columns.
func table(t *testing.T, tx pgx.Tx, q read.Query) string {
	t.Helper()
	columns := make([]string, len(q.Columns))
	for i, c := range q.Columns {
		columns[i] = fmt.Sprintf("%q %s", c.Name, c.Type.Local)
	}
	linktest.Exec(t, tx, "CREATE TABLE copy ("+strings.Join(columns, ", ")+")")
	return "copy"
}

// rows are all rows of a relation as texts, in some order.
func rows(t *testing.T, q interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, relation string,
) []string {
	t.Helper()
	found, err := q.Query(t.Context(), "SELECT r::text FROM "+relation+" r ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func mustLoad(t *testing.T, s read.Session, tx pgx.Tx, q read.Query, into string) read.Loaded {
	t.Helper()
	got, err := s.Load(t.Context(), tx, q, into)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func mustClose(t *testing.T, s read.Session) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// awaitCount waits until Redshift counts so many: its sessions end, and its queries begin, when they do.
func awaitCount(t *testing.T, b *linktest.Bundle, want int, count string, args ...any) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var got int
		if err := b.Warehouse.Engine.QueryRow(t.Context(), count, args...).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d, want %d", count, got, want)
		}
	}
}
