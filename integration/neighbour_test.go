package integration_test

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
)

//go:embed testdata/plants.sql
var plants string

// planted finds in a server's log what has run of what was planted.
var planted = regexp.MustCompile(`LOG:  planted .*`)

// Whoever else may create objects in the cache database has nothing of it run by any command or by the worker: neither
// what has the name of something of the system's, or of dblink's, nor what fits a call better than that.
func TestNeighbour_HasNothingRun(t *testing.T) {
	t.Parallel()
	w, reader := hostileWorld(t, map[string]string{"log_statement": "none"})
	w.plant(t)
	w.asAdmin(t, "ALTER ROLE "+pgtest.Owner+" SET search_path = evil, public, pg_catalog")
	w.liveThrough(t, reader)
	if ran := w.planted(t); ran != nil {
		t.Errorf("%d times, something planted has run, first: %s", len(ran), ran[0])
	}
	// The same, as it would be without care, so that the silence means something.
	conn := pgtest.Connect(t, w.cache.OwnerURL(w.cacheDB))
	for what, careless := range map[string]string{
		"operator =": `SELECT 1 = 1`, "evil.upper": `SELECT upper('a')`, "evil.format": `SELECT format('%s', 'a'::text)`,
		"view pg_class": `SELECT count(relname) FROM pg_class`, "type text": `SELECT 'a'::text`, "evil.aggregate": `SELECT max(1)`,
		"public.dblink_connect": `SELECT public.dblink_connect('a'::text, 'b'::name)`,
	} {
		before := len(w.planted(t))
		_, _ = conn.Exec(t.Context(), careless)
		eventually(t, patience, func() error { // the server writes its log in its own time
			if len(w.planted(t)) == before {
				return fmt.Errorf("%s: nothing planted has run for %s", what, careless)
			}
			return nil
		})
	}
}

// plant plants, as a login that nobody has given anything but the right to create.
func (w *world) plant(t *testing.T) {
	t.Helper()
	w.asAdmin(t, "CREATE ROLE evil LOGIN PASSWORD 'evil'", "ALTER SCHEMA evil OWNER TO evil", "GRANT CREATE ON SCHEMA public TO PUBLIC")
	conn, err := pgx.Connect(t.Context(), w.cache.URL(w.cacheDB, "evil", "evil"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), plants); err != nil {
		t.Fatal(err)
	}
	const number = `SELECT (SELECT count(*) FROM pg_proc WHERE proowner = r.oid), (SELECT count(*) FROM pg_operator WHERE oprowner = r.oid)
		FROM pg_roles r WHERE r.rolname = 'evil'`
	var functions, operators int
	if err := w.admin.QueryRow(t.Context(), number).Scan(&functions, &operators); err != nil || functions < 2500 || operators < 700 {
		t.Fatalf("planted %d functions and %d operators, %v", functions, operators, err)
	}
	t.Logf("planted %d functions and %d operators", functions, operators)
}

func (w *world) planted(t *testing.T) []string {
	t.Helper()
	log, err := w.cache.Log()
	if err != nil {
		t.Fatal(err)
	}
	return planted.FindAllString(log, -1)
}

// A function that takes more, with defaults, is as exact as dblink's own. Nobody's is called then, and who can mend that
// is told.
func TestNeighbour_InTheWayIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Config{})
	w.asAdmin(t, `CREATE FUNCTION public.dblink_connect(text, text, text DEFAULT '') RETURNS text LANGUAGE sql AS 'SELECT ''OK''::text'`)
	got := w.refused(t, 1, nil, "query", "dw", "SELECT 1 AS one")
	if !strings.Contains(got, "is not unique") || !strings.Contains(got, "Drop it") {
		t.Errorf("got %s", got)
	}
}
