package schedule_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
	"github.com/redcache/redcache/schedule"
)

func TestMessage_IsReadInEachForm(t *testing.T) {
	t.Parallel()
	claim := catalog.Claim{
		Due:   catalog.Due{Name: catalog.Name{Schema: "bi", View: "Net Sales"}},
		Until: time.Date(2026, 1, 2, 3, 19, 5, 123_456_000, time.UTC),
	}
	sent := schedule.Encode(claim, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	const want = `{"version":1,"view":"bi.\"Net Sales\"","sent":"2026-01-02T03:04:05Z","claim":"2026-01-02T03:19:05.123456Z"}`
	if sent != want {
		t.Errorf("got %s, want %s", sent, want)
	}
	for _, tt := range []struct{ text, view, problem string }{
		{sent, `bi."Net Sales"`, ""},
		{`{"view": "bi.sales"}`, "bi.sales", ""}, // the first form, and what people send
		{` {"view": "BI.Sales", "version": 1, "more": {"a": [1]}} `, "bi.sales", ""},
		{`{"version": 2, "view": "bi.sales"}`, "", "its version is 2, this program knows up to 1"},
		{`{"version": -1, "view": "bi.sales"}`, "", "its version is -1"},
		{`{"version": 99, "windows": ["2026-01-01"]}`, "", "its version is 99"},
		{`{"version": "two", "view": "bi.sales"}`, "", "no JSON object"},
		{`{}`, "", "it names no view"},
		{`{"view": "sales"}`, "", "two parts"},
		{`{"view": "redcache.view"}`, "", "is not for views"},
		{`{"view": "bi.sales"`, "", "no JSON object"},
		{`{"view": "bi.sales"} {"view": "bi.more"}`, "", "something behind it"},
		{`["bi.sales"]`, "", "no JSON object"},
		{`null`, "", "it names no view"},
		{`bi.sales`, "", "no JSON object"},
		{``, "", "it is empty"},
		{`{"view": "bi.` + strings.Repeat("x", 400) + `"}`, "", "403 bytes long"},
		{"\x00\xff", "", "no JSON object"},
	} {
		got, err := schedule.Decode([]byte(tt.text))
		if tt.problem == "" {
			if err != nil || got.Name.String() != tt.view || got.Until.IsZero() != (tt.text != sent) {
				t.Errorf("%s: got %s until %s, %v, want %s", tt.text, got.Name, got.Until, err, tt.view)
			}
			continue
		}
		var refused *schedule.MessageError
		if !errors.As(err, &refused) || !strings.Contains(refused.Problem, tt.problem) || refused.Hint() == "" {
			t.Errorf("%s: got %v, want a MessageError with %q", tt.text, err, tt.problem)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"version":1,"view":"bi.sales","sent":"2026-01-02T03:04:05Z"}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		claim, err := schedule.Decode(text)
		if err != nil {
			if !errors.As(err, new(*schedule.MessageError)) {
				t.Errorf("got %T", err)
			}
			return
		}
		claim.Until = time.Now() // any time can be read, and only the database's are written
		again, err := schedule.Decode([]byte(schedule.Encode(claim, time.Now())))
		if err != nil || again.Name != claim.Name || !again.Until.Equal(claim.Until) {
			t.Errorf("%s comes back as %s, %v", claim.Name, again.Name, err)
		}
	})
}

func TestHandler_TellsTheQueueWhatBecameOfAMessage(t *testing.T) {
	t.Parallel()
	failed := ended(catalog.Failed)
	broken := errors.New("refresh view bi.v1: read through link dw: it is broken")
	for _, tt := range []struct {
		name   string
		run    catalog.Run
		err    error
		body   string
		want   schedule.Outcome
		freed  bool // whether the dispatcher may send the view off again
		report int
		log    string
	}{
		{"succeeded", ended(catalog.Succeeded), nil, "", schedule.Done, true, 1, ""},
		{"unchanged", ended(catalog.Unchanged), nil, "", schedule.Done, true, 1, ""},
		{"somebody else is at it", lostRace(), nil, "", schedule.Done, true, 1, ""},
		{"the source is not ready", ended(catalog.Skipped), nil, "", schedule.Done, true, 1, ""},
		{"late: no longer due", catalog.Run{}, nil, "", schedule.Done, true, 0, "it is not due any more"},
		{"dropped", catalog.Run{}, &catalog.NotFoundError{Kind: "view", Name: "a.v1"}, "", schedule.Done, true, 0, "does not exist"},
		{"failed, and in the history", failed, broken, "", schedule.Done, true, 1, ""},
		{"failed, and the history is out of reach", catalog.Run{ID: 7, State: catalog.Failed}, broken, "", schedule.Done, true, 0, ""},
		{"no database", catalog.Run{}, errors.New("look for view a.v1: connection refused"), "", schedule.Again, true, 0, "refresh could not begin"},
		{"no time", catalog.Run{}, &refresh.LateError{Left: time.Second, Needed: time.Minute}, "", schedule.Again, true, 0, "Give the refresh more time"},
		{"newer", catalog.Run{}, nil, `{"version":2,"view":"a.v1"}`, schedule.Again, false, 0, "its version is 2"},
		{"junk", catalog.Run{}, nil, `junk`, schedule.Again, false, 0, "message cannot be understood"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, q := setup(t), &queue{}
			b.addLink(t, "a", 1, "1 hour")
			b.fake.on("a.v1", func(context.Context) (catalog.Run, error) { return tt.run, tt.err })
			dispatch(t, b.dispatcher(q))
			if tt.body == "" {
				tt.body = q.taken[0]
			}
			q.views(t)
			reported := 0
			h := schedule.NewHandler(b.store, b.fake, schedule.HandlerConfig{
				Log: slog.New(slog.NewTextHandler(b.log, nil)), Report: func(catalog.Run) { reported++ },
			})
			if got := h.Message(t.Context(), []byte(tt.body)); got != tt.want {
				t.Errorf("got outcome %v, want %v", got, tt.want)
			}
			if reported != tt.report {
				t.Errorf("got %d reports, want %d", reported, tt.report)
			}
			if tt.log != "" {
				b.awaitLog(t, tt.log)
			}
			dispatch(t, b.dispatcher(q))
			if got := slices.Contains(q.views(t), "a.v1"); got != tt.freed {
				t.Errorf("the dispatcher sends it again: %v, want %v", got, tt.freed)
			}
		})
	}
}

// A copy of a message that comes late must not make the dispatcher send another one beside the newer that is on its way.
func TestHandler_EndsOnlyTheClaimOfItsMessage(t *testing.T) {
	t.Parallel()
	b, q := setup(t), &queue{}
	b.addLink(t, "a", 1, "1 hour")
	h := schedule.NewHandler(b.store, b.fake, schedule.HandlerConfig{})
	dispatch(t, b.dispatcher(q))
	first := []byte(q.taken[0])
	q.views(t)
	h.Message(t.Context(), first)
	dispatch(t, b.dispatcher(q)) // the fake leaves the view due
	wantViews(t, q, "a.v1")
	for _, copied := range [][]byte{first, []byte(`{"view": "a.v1"}`)} {
		if h.Message(t.Context(), copied) != schedule.Done {
			t.Errorf("%s is not done with", copied)
		}
		dispatch(t, b.dispatcher(q))
		wantViews(t, q)
	}
}

func TestHandler_AnswersWhoeverAsks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addLink(t, "a", 1, "-1 hour") // not due
	var asked []refresh.Request
	run := ended(catalog.Succeeded)
	run.Others = []catalog.Run{ended(catalog.Succeeded)}
	reported := 0
	h := schedule.NewHandler(b.store, asking(func(req refresh.Request) (catalog.Run, error) {
		asked = append(asked, req)
		return run, nil
	}), schedule.HandlerConfig{Report: func(catalog.Run) { reported++ }})
	got, err := h.Refresh(t.Context(), []byte(`{"view": "a.v1"}`))
	if err != nil || got.ID != run.ID || reported != 2 {
		t.Errorf("got run %d, %v and %d reports, want run %d and 2 reports", got.ID, err, reported, run.ID)
	}
	if h.Message(t.Context(), []byte(`{"view": "a.v1"}`)) != schedule.Done || len(asked) != 2 {
		t.Fatalf("got %d refreshes", len(asked))
	}
	if asked[0].OnlyIfDue || !asked[1].OnlyIfDue {
		t.Errorf("only if due: %v for a person, %v for a message", asked[0].OnlyIfDue, asked[1].OnlyIfDue)
	}
	if _, err := h.Refresh(t.Context(), []byte(`{"version": 2, "view": "a.v1"}`)); !errors.As(err, new(*schedule.MessageError)) {
		t.Errorf("got %v", err)
	}
}

// asking is a Refresher that is told the whole request.
type asking func(req refresh.Request) (catalog.Run, error)

func (a asking) Refresh(_ context.Context, req refresh.Request) (catalog.Run, error) { return a(req) }
