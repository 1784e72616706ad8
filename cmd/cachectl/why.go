package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/health"
)

func (p *program) whyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "why VIEW",
		Short: "Say in one sentence how a view fares, and what to do next",
		Long: `Says how a view fares and why, in one sentence, with the evidence and the safest next step: that it is fresh, for which
input it waits, that its source is not ready and since when, what its refreshes fail with and how often, who has its lock,
that its link rests, or that nobody comes.`,
		Example: `  cachectl why bi.sales
  cachectl why bi.sales --json | jq -r .next`,
		Args:              takes(1, 1),
		ValidArgsFunction: p.completeViews(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := viewName(args[0])
			if err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.why(cmd.Context(), name, asJSON), "explain view %s", name)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *connection) why(ctx context.Context, name catalog.Name, asJSON bool) error {
	facts, err := s.facts(ctx, name)
	if err != nil {
		return err
	}
	v := health.Of(facts)
	record := whyRecord{
		View: name.String(), Health: v.Health, Cause: v.Cause, Sentence: v.Sentence, Evidence: list(v.Evidence), Next: some(v.Next),
	}
	if asJSON {
		return s.printJSON(record)
	}
	block := [][2]string{{"view", record.View}, {"health", string(v.Health)}, {"why", v.Sentence}}
	for _, evidence := range v.Evidence {
		block = append(block, [2]string{"evidence", evidence})
	}
	return s.printFacts(append(block, [2]string{"next", text(record.Next)}))
}

// facts are what is known of a view, and of all that it is computed from.
func (s *connection) facts(ctx context.Context, name catalog.Name) (facts health.Facts, err error) {
	busy, err := s.holders(ctx)
	if err != nil {
		return facts, err
	}
	return facts, s.atOnce(ctx, func(s *connection) error {
		_, state, err := s.store.ViewAndState(ctx, name)
		if err != nil {
			return err
		}
		all, err := s.store.Status(ctx)
		if err != nil {
			return err
		}
		scheduled, err := s.store.Scheduled(ctx)
		if err != nil {
			return err
		}
		look := looking{connection: s, all: all, busy: busy, done: map[catalog.Name]health.Facts{}, common: health.Facts{Scheduled: scheduled, Now: state.Now}}
		facts, err = look.at(ctx, name)
		return err
	})
}

// looking is a look at all views, at one moment.
type looking struct {
	*connection
	all    []catalog.Status
	busy   holders
	done   map[catalog.Name]health.Facts
	common health.Facts // what is the same for all of them
}

// faultsLookedAt is how many of its last runs a view's faults are told from.
const faultsLookedAt = 20

// at gathers what is known of a view, and of its inputs.
func (l looking) at(ctx context.Context, name catalog.Name) (f health.Facts, err error) {
	if known, is := l.done[name]; is {
		return known, nil
	}
	f = l.common
	l.done[name] = f // whatever reads itself
	i := slices.IndexFunc(l.all, func(s catalog.Status) bool { return s.View.Name == name })
	if i < 0 {
		return f, nil // somebody has deleted it by hand
	}
	f.Status = l.all[i]
	if holder, held := l.busy[f.View.ID]; held {
		f.Holder = &holder
	}
	if f.Link, err = l.linkState(ctx, f.View.Link); err != nil {
		return f, err
	}
	if f.Runs, err = l.store.Runs(ctx, &f.View.ID, faultsLookedAt); err != nil {
		return f, err
	}
	for _, input := range f.View.Inputs() {
		facts, err := l.at(ctx, input)
		if err != nil {
			return f, err
		}
		f.Inputs = append(f.Inputs, facts)
	}
	l.done[name] = f
	return f, nil
}

// whyRecord is how a view fares.
type whyRecord struct {
	View     string        `json:"view"`
	Health   health.Health `json:"health"`
	Cause    health.Cause  `json:"cause"`
	Sentence string        `json:"sentence"`
	Evidence []string      `json:"evidence"`
	Next     *string       `json:"next"`
}
