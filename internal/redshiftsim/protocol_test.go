package redshiftsim_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/redcache/redcache/internal/redshiftsim"
)

func TestServer_AbortsTheTransactionOfARefusal(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t))
	for _, step := range []struct{ sql, code, message string }{
		{"BEGIN", "", ""},
		{"CREATE TEMP TABLE t (n int)", "", ""},
		{"SELECT pg_sleep(1)", "42883", "function pg_sleep(integer) does not exist"},
		{"SELECT 1", "25P02", "current transaction is aborted, commands ignored until end of transaction block"},
		{"SAVEPOINT s", "25P02", "current transaction is aborted, commands ignored until end of transaction block"},
		{"ROLLBACK", "", ""},
		{"SELECT n FROM t", "42P01", `relation "t" does not exist`},
	} {
		_, err := conn.PgConn().Exec(t.Context(), step.sql).ReadAll()
		if step.code != "" {
			wantError(t, err, step.code, step.message)
		} else if err != nil {
			t.Errorf("%s: %v", step.sql, err)
		}
	}
}

func TestServer_RunsWhatComesBeforeARefusal(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t)).PgConn()
	results, err := conn.Exec(t.Context(), "SELECT 1; SAVEPOINT s; SELECT 2").ReadAll()
	wantError(t, err, "0A000", "SAVEPOINT is not supported")
	if len(results) != 1 {
		t.Errorf("got %d results, want the one before the refusal", len(results))
	}
	results, err = conn.Exec(t.Context(), "SELECT 1; DISCARD ALL").ReadAll()
	wantError(t, err, "42601", `syntax error at or near "DISCARD"`)
	if len(results) != 0 {
		t.Errorf("got %d results, want none: the text does not parse", len(results))
	}
}

func TestServer_RefusesWhenPrepared(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t))
	_, err := conn.Prepare(t.Context(), "refused", "SELECT ARRAY[1]")
	wantError(t, err, "0A000", "ARRAY constructors are not supported")
	prepared, err := conn.Prepare(t.Context(), "taken", "SELECT $1::super AS doc, 'x' AS bare")
	if err != nil {
		t.Fatal(err)
	}
	if got := prepared.Fields[0].DataTypeOID; got != 4000 || prepared.ParamOIDs[0] != 4000 {
		t.Errorf("got column type %d and parameter type %d, want 4000", got, prepared.ParamOIDs[0])
	}
	var doc, bare string
	if err := conn.QueryRow(t.Context(), "taken", `{"a": 1}`).Scan(&doc, &bare); err != nil || doc != `{"a": 1}` || bare != "x" {
		t.Errorf("got %q, %q, %v", doc, bare, err)
	}
}

func TestServer_KeepsTheOrderOfAPipeline(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t)).PgConn()
	pipeline := conn.StartPipeline(t.Context())
	pipeline.SendQueryParams("SELECT 1.5::numeric", nil, nil, nil, nil)
	pipeline.SendQueryParams("SELECT ARRAY[1]", nil, nil, nil, nil)
	pipeline.SendQueryParams("SELECT 2", nil, nil, nil, nil)
	if err := pipeline.Sync(); err != nil {
		t.Fatal(err)
	}
	pipeline.SendQueryParams("SELECT 3", nil, nil, nil, nil)
	if err := pipeline.Sync(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for len(got) < 5 {
		result, err := pipeline.GetResults()
		if err != nil {
			wantError(t, err, "0A000", "ARRAY constructors are not supported")
			got = append(got, "error")
			continue
		}
		switch result := result.(type) {
		case *pgconn.ResultReader:
			got = append(got, string(result.Read().Rows[0][0]))
		case *pgconn.PipelineSync:
			got = append(got, "sync")
		}
	}
	if err := pipeline.Close(); err != nil {
		t.Error(err)
	}
	for i, want := range []string{"1.5", "error", "sync", "3", "sync"} {
		if got[i] != want {
			t.Errorf("got %v, want %s at %d", got, want, i)
		}
	}
}

func TestServer_RefusesResultsInParts(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t))
	frontend := conn.PgConn().Frontend()
	frontend.Send(&pgproto3.Parse{Query: "SELECT * FROM generate_series(1, 10)"})
	frontend.Send(&pgproto3.Bind{})
	frontend.Send(&pgproto3.Execute{MaxRows: 5})
	frontend.Send(&pgproto3.Sync{})
	if err := frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	var failed *pgproto3.ErrorResponse
	for {
		message, err := frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if response, ok := message.(*pgproto3.ErrorResponse); ok {
			copied := *response
			failed = &copied
		}
		if _, ok := message.(*pgproto3.ReadyForQuery); ok {
			break
		}
	}
	if failed == nil || failed.Code != "XX000" || failed.Message != "Invalid protocol sequence 'P' while in PortalSuspended state" {
		t.Errorf("got %+v", failed)
	}
}

func TestServer_HasOneCursorAtATime(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t))
	for _, step := range []struct{ sql, code string }{
		{"BEGIN", ""},
		{"DECLARE a CURSOR FOR SELECT * FROM generate_series(1, 3000)", ""},
		{"FETCH 2000 FROM a", ""},
		{"CLOSE a", ""},
		{"DECLARE b CURSOR FOR SELECT 2", ""},
		{"COMMIT", ""},
		{"BEGIN", ""},
		{"DECLARE c CURSOR FOR SELECT 3", ""},
		{"DECLARE d CURSOR FOR SELECT 4", "0A000"},
		{"ROLLBACK", ""},
		{"BEGIN; DECLARE e CURSOR FOR SELECT 5; CLOSE e; DECLARE f CURSOR FOR SELECT 6; COMMIT", ""},
	} {
		_, err := conn.PgConn().Exec(t.Context(), step.sql).ReadAll()
		if step.code != "" {
			wantError(t, err, step.code, "only one cursor can be open in a session")
		} else if err != nil {
			t.Errorf("%s: %v", step.sql, err)
		}
	}
}

func TestServer_LimitsFetchOfASingleNode(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	single := redshiftsim.StartFor(t, redshiftsim.Config{
		EngineURL: warehouse.EngineURL, Users: map[string]string{"cache_ro": "x"}, SingleNode: true,
	})
	for _, test := range []struct{ fetch, message string }{
		{"FETCH 1000 FROM c", ""},
		{"FETCH FORWARD 1000 FROM c", ""},
		{"FETCH NEXT FROM c", ""},
		{"FETCH 1001 FROM c", "Fetch size 1001 exceeds the limit of 1000 for a single node configuration. " +
			"Reduce the client fetch/cache size or upgrade to a multi node installation."},
		{"FETCH ALL FROM c", "FETCH ALL is not supported on a single node configuration"},
		{"FETCH FORWARD ALL FROM c", "FETCH ALL is not supported on a single node configuration"},
	} {
		conn, err := pgx.Connect(t.Context(), single.URL("dev", "cache_ro", "x"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.PgConn().Exec(t.Context(),
			"BEGIN; DECLARE c CURSOR FOR SELECT * FROM generate_series(1, 3000); "+test.fetch).ReadAll()
		if test.message != "" {
			wantError(t, err, "0A000", test.message)
		} else if err != nil {
			t.Errorf("%s: %v", test.fetch, err)
		}
		_ = conn.Close(t.Context())
	}
}

// The notices of a mixed query name the functions.
func TestServer_NamesLeaderFunctions(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `CREATE TABLE t (n int)`)
	config, err := pgx.ParseConfig(warehouse.UserURL())
	if err != nil {
		t.Fatal(err)
	}
	var notices []string
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) {
		notices = append(notices, notice.Severity+" "+notice.Message)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.PgConn().Exec(t.Context(), `SELECT now(), version() FROM t`).ReadAll()
	wantError(t, err, "0A000", "Specified types or functions (one per INFO message) not supported on Redshift tables.")
	if len(notices) != 2 || notices[0] != `INFO Function "now()" not supported.` {
		t.Errorf("got notices %q", notices)
	}
}
