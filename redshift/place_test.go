package redshift_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
)

// What Redshift objects to is found in the query, whatever is put around it, or else it is said nowhere.
func TestPlaceOf_IsExactOrNone(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	long := strings.Repeat("x + ", 40)
	for _, marked := range []string{ // with a ¦ where the mistake is found
		"SELECT 1 AS a ¦nonsense 5 FROM",
		"SELECT 1 AS a,\n\t2 nonsense ¦5 3 AS b,\r\n4 AS c",
		"SELECT 'größe' AS a,\r2 nonsense ¦5 3 AS b",
		"WITH a AS (SELECT 1 AS x),\nb AS (SELECT 2 nonsense ¦5)\nSELECT * FROM a",
		"WITH a AS (SELECT 1 AS x)\nSELECT x nonsense ¦5 FROM a",
		"( -- begins\n  (SELECT 1 nonsense ¦5 AS a)) -- done",
		"-- first\nSELECT 1 AS a FROM¦ -- and ends",
		"SELECT 1 AS a,¦",
		"SELECT " + long + " 1 AS a, 2 nonsense ¦5",
		"SELECT 1 AS a, 2 nonsense ¦5 AS b, " + long + " 1 AS c",
		"SELECT " + long + " 1 AS a, 2 nonsense ¦5 AS b, " + long + " 1 AS c",
		"SELECT 1 AS a ¦$$\nLINE 2: SELECT 1 AS a $\n            ^\n$$",
		"SELECT '金額' AS a, 2 nonsense 5",                       // characters of two columns
		"SELECT " + long + "(5 5), " + long + "(5 5), " + long, // what is cut out stands there twice
		"SELECT nothing AS a",                                  // 8.0 tells no place of it
	} {
		query, want := strings.Replace(marked, "¦", "", 1), strings.Index(marked, "¦")
		b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
			linktest.InSavepoint(t, tx, func(pgx.Tx) {
				err := s.Guarded(t.Context(), func() error { _, err := redshift.Describe(t.Context(), s, query); return err })
				complaint := s.Complaint(t.Context())
				if got := redshift.PlaceOf(query, complaint); got != want {
					t.Errorf("%q: got %d, want %d: %v\n%s", query, got, want, err, complaint)
				}
			})
		})
	}
}
