package redshift_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/typetest"
	"github.com/redcache/redcache/redshift"
)

// What Redshift calls a type leads to its row, and to no other.
func TestTypes_AreFoundByTheirNames(t *testing.T) {
	t.Parallel()
	for _, want := range redshift.EveryType() {
		got, err := redshift.Map(want.Remote)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", want.Remote, got, err, want)
		}
		if got.Local == "" || got.Wire() == "" || got.Remotely("c") == "" || got.Locally("c") == "" || got.Stream.Encoding == 0 {
			t.Errorf("%s: something is not said: %+v", want.Remote, got)
		}
	}
}

// Every type that the stand-in has is described as the row that it is, and hashed if the row says so.
func TestTypes_AreDescribedAndHashed(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		for i, sample := range typetest.Samples(t) {
			table := fmt.Sprintf("sample%d", i)
			linktest.Exec(t, b.Warehouse.Engine, sample.Table(table))
			columns := []redshift.Column{{Name: "v", RemoteType: sample.Remote, Type: sample.Type}}
			if sample.Known {
				described, err := redshift.Describe(t.Context(), s, "SELECT v FROM "+table)
				if err != nil || described[0].Type != sample.Type {
					t.Errorf("%s: described as %+v, %v", sample.Remote, described, err)
				}
			}
			wantHashed(t, s, columns, table, len(sample.Values)+1)
		}
	})
}

// wantHashed expects that no two of n rows have the same hash, or that the column cannot have one.
func wantHashed(t *testing.T, s *dblink.Session, columns []redshift.Column, table string, n int) {
	t.Helper()
	seen := map[uint64]int{}
	for id := 1; id <= n; id++ {
		got, err := redshift.Summarize(t.Context(), s, columns, fmt.Sprintf("SELECT v FROM %s WHERE id = %d", table, id))
		switch other, found := seen[got.Sum]; {
		case errors.As(err, new(*redshift.UnhashableError)):
			return
		case err != nil || got.Rows != 1:
			t.Fatalf("%s: %d rows, %v", columns[0].RemoteType, got.Rows, err)
		case found:
			t.Errorf("%s: values %d and %d have the same hash", columns[0].RemoteType, other, id)
		}
		seen[got.Sum] = id
	}
}

// PostgreSQL says of which types equal values are the same, down to the bit: it keeps one of several in its indexes.
// Of all others the image has to be compared. A number with a scale has one form only.
func TestTypes_AreComparedToTheBit(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	for _, typ := range redshift.EveryType() {
		safe := linktest.Text(t, pool, `
			SELECT EXISTS (
				SELECT FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod JOIN pg_amproc p ON p.amprocfamily = c.opcfamily
				WHERE a.amname = 'btree' AND c.opcdefault AND p.amprocnum = 4 AND p.amproclefttype = c.opcintype
				  AND c.opcintype IN ($1::regtype, CASE $1::regtype WHEN 'varchar'::regtype THEN 'text'::regtype END))::text`, typ.Local)
		if safe != "true" && typ.Image == "" && typ.Scale == 0 {
			t.Errorf("%s: equal values of %s may differ, and no image is compared", typ.Remote, typ.Local)
		}
		if typ.Image != "" {
			linktest.Text(t, pool, "SELECT coalesce("+strings.ReplaceAll(typ.Image, "%s", "NULL::"+typ.Local)+", '\\x00')::text")
		}
	}
}
