package schedule

import (
	"context"
	"errors"
	"log/slog"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh"
)

// Outcome is what is to become of a message. A load that stops at the edge of a window, because its time is nearly over,
// and asks to be continued will be a third one: what was loaded is committed, the message is done with, and another
// one is sent for what is left.
type Outcome int

const (
	// Done means that the message has served its purpose. That the refresh failed does not change that: the failure is in
	// the history, and the catalog knows when to try again.
	Done Outcome = iota
	// Again means that the refresh could not begin, or that the message cannot be understood. The queue hands the message out
	// again, and puts it aside for people when that has happened too often.
	Again
)

// HandlerConfig says how a [Handler] behaves. The zero value is usable.
type HandlerConfig struct {
	Log *slog.Logger // gets what the runner does not log itself; default: none
	// Report is told of each run that is over, those of a group included; default: nobody is.
	Report func(run catalog.Run)
}

// Handler refreshes the views that messages ask for. Whatever messages do, get lost, come late, come twice, name a
// view that was dropped: the catalog says what is due, and the view's lock who refreshes it.
type Handler struct {
	store  catalog.Store
	runner Refresher
	cfg    HandlerConfig
}

// NewHandler returns a handler that refreshes by runner, and ends claims in store.
func NewHandler(store catalog.Store, runner Refresher, cfg HandlerConfig) *Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Report == nil {
		cfg.Report = func(catalog.Run) {}
	}
	return &Handler{store: store, runner: runner, cfg: cfg}
}

// Message handles one message: it refreshes the view if it is still due. What went wrong is in the history, or in the
// log.
func (h *Handler) Message(ctx context.Context, body []byte) Outcome {
	claim, err := decode(body)
	if err != nil {
		h.log(ctx, slog.LevelError, "message cannot be understood", "", err)
		return Again
	}
	run, err := h.runner.Refresh(ctx, refresh.Request{View: claim.Name, OnlyIfDue: true})
	h.report(run)
	if err != nil && run.ID == 0 && !errors.As(err, new(*catalog.NotFoundError)) {
		h.log(ctx, slog.LevelError, "refresh could not begin", claim.Name.String(), err)
		h.unclaim(ctx, claim) // in case this message is lost: the next look sends another one
		return Again
	}
	h.unclaim(ctx, claim)
	if run.ID == 0 {
		h.log(ctx, slog.LevelInfo, "nothing to do", claim.Name.String(), err)
	}
	return Done
}

// Refresh handles a request of somebody who waits for the result, {"view": "bi.sales"}. It refreshes the view whether
// it is due or not, and returns the run. A run that was skipped, because somebody else refreshes the view, is no error.
func (h *Handler) Refresh(ctx context.Context, body []byte) (catalog.Run, error) {
	claim, err := decode(body)
	if err != nil {
		return catalog.Run{}, err
	}
	run, err := h.runner.Refresh(ctx, refresh.Request{View: claim.Name})
	h.report(run)
	return run, err
}

func (h *Handler) report(run catalog.Run) {
	if run.FinishedAt != nil {
		h.cfg.Report(run)
	}
	for _, other := range run.Others {
		h.report(other)
	}
}

// unclaim lets the dispatcher send the view off again when it is due. It ends only the claim of this message: one that
// comes late, or once more, must not end that of a newer one. A claim that cannot be ended ends by itself.
func (h *Handler) unclaim(ctx context.Context, claim catalog.Claim) {
	if claim.Until.IsZero() {
		return // sent by somebody else than a dispatcher
	}
	ctx, cancel := infra.Ending(ctx, unclaimTimeout)
	defer cancel()
	if err := h.store.Unclaim(ctx, claim); err != nil {
		h.log(ctx, slog.LevelWarn, "view counts as queued for a while longer", claim.Name.String(), err)
	}
}

func (h *Handler) log(ctx context.Context, level slog.Level, event, view string, err error) {
	attrs := []slog.Attr{slog.String(infra.KeyView, view)}
	if err != nil {
		attrs = append(attrs, slog.String(infra.KeyError, redshift.Public(err)), slog.String(infra.KeyHint, infra.Hint(err)))
	} else {
		attrs = append(attrs, slog.String(infra.KeyReason, "it is not due any more"))
	}
	h.cfg.Log.LogAttrs(ctx, level, event, attrs...)
}
