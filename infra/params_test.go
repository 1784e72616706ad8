package infra_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

// The rules of the package comment on how to write parameters: each of these comes back as the text beside it.
func TestPool_TakesParameters(t *testing.T) {
	t.Parallel()
	pool := openPool(t, pgtest.New(t).URL)
	if _, err := pool.Exec(t.Context(), `CREATE TYPE public.mood AS ENUM ('calm', 'hot')`); err != nil {
		t.Fatalf("create type: %v", err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		sql   string
		value any
		want  string // empty for NULL
	}{
		{`$1::text[]`, []string{"a", `b"c`}, `{a,"b\"c"}`},
		{`$1::text[]`, []string(nil), ""},
		{`$1::bigint[]`, []int64{1, 2}, "{1,2}"},
		{`$1::interval`, 90 * time.Second, "00:01:30"},
		{`'2026-01-02'::timestamptz - $1::interval`, time.Hour, "2026-01-01 23:00:00+00"},
		{`$1::timestamptz`, at, "2026-01-02 03:04:05+00"},
		{`$1::timestamptz`, &at, "2026-01-02 03:04:05+00"},
		{`$1::timestamptz`, (*time.Time)(nil), ""},
		{`$1::jsonb`, map[string]any{"a": []int{1}}, `{"a": [1]}`},
		{`$1::jsonb`, struct {
			Rows int64 `json:"rows"`
		}{7}, `{"rows": 7}`},
		{`$1::jsonb`, `{"a": 1}`, `{"a": 1}`},
		{`$1::jsonb`, []byte(`{"a": 1}`), `{"a": 1}`},
		{`$1::public.mood`, "hot", "hot"},
		{`$1::numeric`, "12345678901234567890.5", "12345678901234567890.5"},
		{`$1::bigint`, 7, "7"},
		{`$1::regclass`, uint32(1259), "pg_class"},
		{`$1::text::regclass`, "pg_catalog.pg_class", "pg_class"},
		{`pg_catalog.format('%I', $1::text)`, "Weird; name", `"Weird; name"`},
		{`$1::boolean`, true, "true"},
		{`$1::bytea`, []byte{0, 255}, `\x00ff`},
	} {
		var got *string
		err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT (`+tt.sql+`)::text`, tt.value).Scan(&got)
		})
		if err != nil {
			t.Errorf("%s with %T: %v", tt.sql, tt.value, err)
			continue
		}
		if want := nullable(tt.want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %v: got %v, want %q", tt.sql, tt.value, deref(got), tt.want)
		}
	}
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func deref(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}

// What a connection remembers of a statement must not outlive the table that it was true for.
func TestPool_SeesChangedTables(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool, other := openPool(t, db.URL), db.Pool(t)
	migrate := func(statement string) {
		t.Helper()
		if _, err := other.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	read := func(want string) {
		t.Helper()
		var got any
		err := pool.QueryRow(t.Context(), `SELECT a FROM public.changing WHERE a = $1 LIMIT 1`, want).Scan(&got)
		if err != nil {
			t.Errorf("read: %v", err)
		}
	}
	migrate(`CREATE TABLE public.changing (a text); INSERT INTO public.changing VALUES ('1')`)
	read("1")
	migrate(`ALTER TABLE public.changing ADD COLUMN b integer`)
	read("1")
	migrate(`DROP TABLE public.changing; CREATE TABLE public.changing (b integer, a varchar(9)); ` +
		`INSERT INTO public.changing (a) VALUES ('1')`)
	read("1")
}
