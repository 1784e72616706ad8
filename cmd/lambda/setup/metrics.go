package setup

import (
	"context"
	"log/slog"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/emf"
)

// Metrics tells CloudWatch of runs and of the state of the cache. None of it can fail an invocation.
type Metrics struct {
	out   *emf.Writer
	cache string
	log   *slog.Logger
}

// Run tells how a run ended, for its view and for the cache.
func (m Metrics) Run(run catalog.Run) {
	one := map[catalog.RunState]float64{run.State: 1}
	metrics := []emf.Metric{
		{Name: "Succeeded", Unit: emf.Count, Value: one[catalog.Succeeded]},
		{Name: "Unchanged", Unit: emf.Count, Value: one[catalog.Unchanged]},
		{Name: "Skipped", Unit: emf.Count, Value: one[catalog.Skipped]},
		{Name: "Failed", Unit: emf.Count, Value: one[catalog.Failed]},
	}
	if run.State != catalog.Skipped {
		metrics = append(metrics, emf.Metric{Name: "RefreshSeconds", Unit: emf.Seconds, Value: run.Took().Seconds()})
	}
	if run.State == catalog.Succeeded {
		written := value(run.RowsInserted) + value(run.RowsUpdated) + value(run.RowsDeleted)
		metrics = append(metrics, emf.Metric{Name: "RowsRead", Unit: emf.Count, Value: value(run.RowsRead)},
			emf.Metric{Name: "RowsWritten", Unit: emf.Count, Value: written})
	}
	if run.BytesRead != nil {
		metrics = append(metrics, emf.Metric{Name: "BytesRead", Unit: emf.Bytes, Value: value(run.BytesRead)})
	}
	m.put("View", run.View.String(), metrics...)
}

func value(n *int64) float64 {
	if n == nil {
		return 0
	}
	return float64(*n)
}

// Look tells how old views are, how many wait, and how links are used.
func (m Metrics) Look(ctx context.Context, store catalog.Store) {
	ages, err := store.Ages(ctx)
	if err != nil {
		m.missing(ctx, err)
		return
	}
	var stale, due, queued float64
	for _, view := range ages {
		stale, due, queued = stale+count(view.Stale), due+count(view.Due), queued+count(view.Queued)
		if view.Age != nil {
			m.put("View", view.String(), emf.Metric{Name: "AgeSeconds", Unit: emf.Seconds, Value: view.Age.Seconds()})
		}
	}
	m.put("", "", emf.Metric{Name: "StaleViews", Unit: emf.Count, Value: stale},
		emf.Metric{Name: "DueViews", Unit: emf.Count, Value: due},
		emf.Metric{Name: "QueuedViews", Unit: emf.Count, Value: queued})
	uses, err := store.LinkUse(ctx)
	if err != nil {
		m.missing(ctx, err)
	}
	for _, link := range uses {
		metrics := []emf.Metric{{Name: "LinkSessions", Unit: emf.Count, Value: float64(link.Sessions)}}
		if link.Age != nil {
			metrics = append(metrics, emf.Metric{Name: "CredentialAgeSeconds", Unit: emf.Seconds, Value: link.Age.Seconds()})
		}
		if link.Left != nil {
			metrics = append(metrics, emf.Metric{Name: "CredentialLeftSeconds", Unit: emf.Seconds, Value: link.Left.Seconds()})
		}
		m.put("Link", link.Link, metrics...)
	}
}

func count(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// put writes values for the cache and, if there is a name, for what has it.
func (m Metrics) put(kind, name string, metrics ...emf.Metric) {
	dimensions := []emf.Dimension{{Name: "Cache", Value: m.cache}}
	if kind != "" {
		dimensions = append(dimensions, emf.Dimension{Name: kind, Value: name})
	}
	if err := m.out.Put(dimensions, metrics...); err != nil {
		m.missing(context.Background(), err)
	}
}

func (m Metrics) missing(ctx context.Context, err error) {
	m.log.WarnContext(ctx, "metrics are missing", infra.KeyError, infra.Message(err))
}
