package main

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/pgtest"
)

var itoa = strconv.Itoa

func TestWorker_KeepsViewsFreshAndStops(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		b.addView(t, string(strategy), strategy, 100*time.Millisecond)
	}
	w := b.start(t)
	for n := sourceRows + 1; n < sourceRows+4; n++ {
		for _, strategy := range catalog.Of(catalog.RemoteSource) {
			relation := catalog.Name{Schema: "bi", View: string(strategy)}.SQL()
			b.await(t, `SELECT count(*) = `+itoa(n-1)+` FROM `+relation)
		}
		b.change(t, `INSERT INTO public.sales VALUES (`+itoa(n)+`, 1, timestamp '2026-02-01' + `+itoa(n)+` * interval '1 s')`)
	}
	b.source.Throttle(1000) // so that most probably some are under way
	b.awaitRuns(t, catalog.Running, 1)
	w.stop(t)
	b.wantNothingLeft(t)
	b.wantNone(t, "runs that did not succeed", `SELECT state FROM redcache.run WHERE state <> 'succeeded'`)
	b.wantNone(t, "runs of somebody else", `SELECT application FROM redcache.run
		WHERE application NOT LIKE 'redcache worker %:`+itoa(w.cmd.Process.Pid)+`' OR origin <> 'worker'`)
}

// hang starts a refresh that would take minutes.
func (b *bundle) hang(t *testing.T) {
	t.Helper()
	b.addView(t, "slow", catalog.Concurrent, time.Hour)
	b.source.Throttle(1)
}

func (b *bundle) awaitReading(t *testing.T) {
	t.Helper()
	b.await(t, `SELECT count(*) = 1 FROM redcache.run WHERE state = 'running'`)
	await(t, "a session on the source", func() bool { return b.source.Sessions() > 0 })
}

func TestWorker_CancelsWhatOutlastsTheGrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hang(t)
	w := b.start(t, "REDCACHE_STOP_GRACE=200ms")
	b.awaitReading(t)
	w.stop(t)
	b.wantNothingLeft(t)
	b.await(t, `SELECT count(*) = 1 FROM redcache.run WHERE state = 'canceled' AND error LIKE '%the worker was stopped%'`)
}

// While PostgreSQL connects to a Redshift that is silent, it hears nothing, also no goodbye.
func TestWorker_StopsWhileRedshiftIsSilent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addView(t, "slow", catalog.Concurrent, time.Hour)
	b.source.Stall(true)
	w := b.start(t, "REDCACHE_STOP_GRACE=200ms")
	b.await(t, `SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()
		AND application_name LIKE 'redcache worker %' AND query LIKE '%dblink_connect%' AND state = 'active'`)
	start := time.Now()
	w.stop(t)
	if took := time.Since(start); took > 6*time.Second {
		t.Errorf("the worker took %s to stop", took)
	}
	b.source.Stall(false)
	b.await(t, `SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'redcache worker %'`)
	b.wantNothingLeft(t)
}

func TestWorker_RepairsWhatAKilledOneLeft(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, w *process)
		code int
	}{
		{"kill -9", func(t *testing.T, w *process) { w.signal(t, syscall.SIGKILL) }, -1},
		{"a second signal", func(t *testing.T, w *process) {
			w.signal(t, syscall.SIGTERM)
			w.awaitLog(t, "stopping once running refreshes have ended")
			w.signal(t, syscall.SIGINT)
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.hang(t)
			w := b.start(t)
			b.awaitReading(t)
			tt.end(t, w)
			if code := w.wait(t); code != tt.code {
				t.Errorf("got exit code %d, want %d", code, tt.code)
			}
			b.await(t, `SELECT count(*) = 1 FROM redcache.run WHERE state = 'running'`) // nobody could tell
			b.source.Throttle(0)
			next := b.start(t)
			b.await(t, `SELECT array_agg(state ORDER BY id) = '{abandoned,succeeded}' FROM redcache.run`)
			b.await(t, `SELECT count(*) = `+itoa(sourceRows)+` FROM bi.slow`)
			next.stop(t)
			b.wantNothingLeft(t)
		})
	}
}

func TestWorker_OutlivesBothDatabases(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := setupOn(t, cluster.OwnerURL(name))
	b.addView(t, "sales", catalog.Concurrent, 100*time.Millisecond)
	halt := func(crash bool) {
		b.pool.Reset()
		if err := cluster.Halt(crash); err != nil {
			t.Fatal(err)
		}
	}
	resume := func() {
		if err := cluster.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	halt(false)
	w := b.start(t) // before its database
	w.awaitLog(t, "cache database is out of reach, trying again")
	resume()
	b.await(t, `SELECT count(*) > 1 FROM redcache.run WHERE state = 'succeeded'`)

	halt(true)
	w.awaitLog(t, "cache database is out of reach, trying again until it answers")
	resume()
	w.awaitLog(t, "cache database answers again")
	b.awaitRuns(t, catalog.Succeeded, 2)

	b.source.Pause()
	b.awaitRuns(t, catalog.Failed, 1)
	if err := b.source.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.awaitRuns(t, catalog.Succeeded, 2)

	w.stop(t)
	b.wantNothingLeft(t)
}

func TestWorker_SharesTheWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range 6 {
		b.addView(t, "v"+itoa(n), catalog.Concurrent, 200*time.Millisecond)
	}
	workers := []*process{b.start(t, "REDCACHE_CONCURRENCY=2"), b.start(t, "REDCACHE_CONCURRENCY=2")}
	b.await(t, `SELECT count(*) >= 60 AND count(DISTINCT application) = 2 FROM redcache.run WHERE state = 'succeeded'`)
	for _, w := range workers {
		w.stop(t)
	}
	b.wantNothingLeft(t)
	b.wantNone(t, "views refreshed twice at once", `
		SELECT a.id || ' with ' || b.id
		FROM redcache.run a
		JOIN redcache.run b ON b.view_id = a.view_id AND b.id > a.id AND b.started_at < a.finished_at
		WHERE a.state <> 'skipped' AND b.state <> 'skipped'`)
	b.wantNone(t, "views refreshed before they were due", `
		SELECT id::text
		FROM (SELECT id, started_at - lag(started_at) OVER (PARTITION BY view_id ORDER BY id) AS since
		      FROM redcache.run WHERE state <> 'skipped') r
		WHERE since < interval '200 ms'`)
	b.wantNone(t, "unexpected ends", `SELECT state FROM redcache.run WHERE state NOT IN ('succeeded', 'skipped')`)
	b.wantNone(t, "skipped runs that do not name a worker", `
		SELECT holder FROM redcache.run WHERE state = 'skipped' AND holder NOT LIKE '%redcache worker %'`)
}

func TestWorker_IsHealthyWhileItsLoopTurns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.start(t, "REDCACHE_HEALTH_ADDR=127.0.0.1:0", "REDCACHE_LOG_FORMAT=json")
	w.awaitLog(t, `"address":"127.0.0.1:`)
	address := regexp.MustCompile(`"address":"([^"]+)"`).FindStringSubmatch(w.log.String())[1]
	response, err := http.Get("http://" + address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("got %s %q, %v", response.Status, body, err)
	}
	w.stop(t)
}
