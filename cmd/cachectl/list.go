package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

func (p *program) listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the views with their freshness",
		Long: `Lists every view with its strategy, rows, size on disk, as-of (the instant before which every commit on Redshift is
contained), age, whether that breaks its freshness promise, its last run, whether another one is under way, whether its link rests,
and its group, where there are groups. All of it is true of one moment.`,
		Example: `  cachectl list
  cachectl list --json | jq -r '.[] | select(.stale) | .view'`,
		Args:              takes(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.listViews(cmd.Context(), asJSON), "list views")
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *connection) listViews(ctx context.Context, asJSON bool) error {
	var all []catalog.Status
	var links map[int32]catalog.LinkState
	var busy holders
	err := s.atOnce(ctx, func(s *connection) (err error) {
		if all, err = s.store.Status(ctx); err == nil {
			links, err = s.linkStates(ctx)
		}
		return err
	})
	if err == nil {
		busy, err = s.holders(ctx)
	}
	if err != nil {
		return err
	}
	records, rows := []viewRecord{}, [][]string{}
	grouped := slices.ContainsFunc(all, func(s catalog.Status) bool { return s.View.Group != "" })
	behind := lagsOf(all)
	for _, status := range all {
		records = append(records, recordView(status, links[status.View.Link.ID], busy, behind))
		rows = append(rows, []string{
			status.View.Name.String(), string(status.View.Strategy), text(status.Rows), size(status.Bytes),
			instant(status.AsOf), age(status.Age), yesNo(status.Stale), lastRun(status.LastRun) + underWay(status.Running, busy) + changing(status.Changing) +
				trouble(status.Problem) + restless(links[status.View.Link.ID]),
		})
		if grouped {
			rows[len(rows)-1] = append(rows[len(rows)-1], text(some(status.View.Group)))
		}
	}
	if asJSON {
		return s.printJSON(records)
	}
	headings := []string{"VIEW", "STRATEGY", "ROWS", "SIZE", "AS OF", "AGE", "STALE", "LAST RUN"}
	if grouped {
		headings = append(headings, "GROUP")
	}
	return s.printTable("no views yet; `cachectl add-view` makes one",
		table{headings: headings, rows: rows, spare: []string{"AS OF", "SIZE", "STRATEGY"}})
}

// trouble says that readers do not find what is refreshed.
func trouble(problem string) string {
	if problem == "" {
		return ""
	}
	return "; view: " + problem
}

// holders are those who hold the locks of views, by view.
type holders map[int32]lock.Holder

func (s *connection) holders(ctx context.Context) (holders, error) {
	held, err := lock.List(ctx, infra.Pinned(s.pool))
	if err != nil {
		return nil, err
	}
	by := holders{}
	for _, h := range held {
		if h.Kind == lock.KindView && !h.Waiting {
			by[h.ID] = h.Holder
		}
	}
	return by, nil
}

// underWay is what the list adds to a view whose refresh is under way, or was left behind by a process that is gone.
func underWay(running *catalog.Run, busy holders) string {
	if running == nil {
		return ""
	}
	if _, held := busy[running.ViewID]; !held {
		return ", one left behind"
	}
	return ", running for " + brief(max(time.Since(running.StartedAt), 0))
}

// changing is what the list adds to a view of which another definition is being built.
func changing(set *catalog.PendingSet) string {
	if set == nil {
		return ""
	}
	return ", being changed for " + brief(set.Age)
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func lastRun(r *catalog.Run) string {
	switch {
	case r == nil:
		return "-"
	case r.FinishedAt == nil:
		return string(r.State)
	case r.Unready():
		return string(r.State) + ", not ready"
	}
	return string(r.State) + " in " + brief(r.Took())
}
