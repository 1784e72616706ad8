package refresh_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/logtest"
	"github.com/redcache/redcache/refresh"
)

// A run has a line when it begins, for who debugs, and one when it is over: by its number, with how long it took, and, if
// it failed, with what to do.
func TestRefresh_LogsARunByItsNumber(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Concurrent, catalog.Incremental, catalog.Swap} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, plainSQL...)
			v := b.plainView(strategy, catalog.AutoTransport)
			b.add(t, v)
			var log logtest.Log
			logger, err := infra.NewLogger(&log, "json", "debug")
			if err != nil {
				t.Fatal(err)
			}
			b.runner = refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, Log: logger})
			good := b.refresh(t, refresh.Request{View: v.Name})
			b.change(t, `ALTER TABLE public.plain RENAME COLUMN n TO gone`)
			bad, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			if err == nil {
				t.Fatal("the refresh succeeded")
			}
			for _, run := range []catalog.Run{good, bad} {
				wantLine(t, log.String(), "DEBUG", "run started", run.ID, "")
			}
			wantLine(t, log.String(), "INFO", "run finished", good.ID, "")
			wantLine(t, log.String(), "ERROR", "run finished", bad.ID, "cachectl alter-view")
		})
	}
}

// wantLine looks for one line about a run.
func wantLine(t *testing.T, log, level, event string, id int64, hint string) {
	t.Helper()
	found := 0
	for line := range strings.Lines(log) {
		var said struct {
			Level, Msg, View, Strategy, Hint, Error string

			Run  int64    `json:"run_id"`
			Took *float64 `json:"took_seconds"`
		}
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if said.Run != id || said.Level != level || said.Msg != event {
			continue
		}
		found++
		over := event == "run finished"
		if said.View != "bi.plain" || said.Strategy == "" || over && (said.Took == nil || *said.Took <= 0 || *said.Took > 600) ||
			!strings.Contains(said.Hint, hint) || (hint != "") != (said.Error != "") {
			t.Errorf("got %s", line)
		}
	}
	if found != 1 {
		t.Errorf("run %d has %d lines %s %q in\n%s", id, found, level, event, log)
	}
}

// A failure is told by the log, also when its run is no longer in the history: a failover, or a restore, may have lost it.
func TestRefresh_LogsAFailureWhoseRunIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	b.change(t, "ALTER TABLE public.sales RENAME COLUMN amount TO net")
	var log logtest.Log
	runner := refresh.NewRunner(b.pool, refresh.Config{Attempts: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
	forget := func(phase refresh.Phase) {
		if phase == refresh.Loading {
			b.do(t, "DELETE FROM redcache.run")
		}
	}
	run, err := runner.Refresh(t.Context(), refresh.Request{View: v.Name, Progress: forget})
	if err == nil || run.State != catalog.Failed {
		t.Fatalf("got %v, %v", run, err)
	}
	for _, part := range []string{"level=ERROR", v.Name.String(), "state=failed", "amount", "--describe"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("no %s in the log:\n%s", part, log.String())
		}
	}
}
