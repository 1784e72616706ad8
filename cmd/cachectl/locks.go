package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

func (p *program) locksCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "locks",
		Short: "Show who refreshes what, and who waits",
		Long: `Shows who holds, or waits for, the lock of a view, a slot of a link or the renewal of a link's login, or is building
what a change of definitions needs, and since when its transaction runs. A lock ends with its transaction. A refresh is
best stopped by Ctrl-C, by stopping its worker, or by cancelling its query on Redshift; pg_terminate_backend(pid) frees
the lock at once, and the refresh is tried again.`,
		Example: `  cachectl locks
  cachectl locks --json`,
		Args:              takes(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.locks(cmd.Context(), asJSON), "show locks")
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *connection) locks(ctx context.Context, asJSON bool) error {
	held, err := lock.List(ctx, infra.Pinned(s.pool))
	if err != nil {
		return err
	}
	nameOf, err := s.names(ctx)
	if err != nil {
		return err
	}
	records, rows := []lockRecord{}, [][]string{}
	for _, h := range held {
		r := recordLock(h, nameOf(h))
		records = append(records, r)
		what := map[string]string{lock.KindLogin: "login of link"}[r.Kind]
		what = cmp.Or(what, r.Kind) + " " + r.Name
		if r.Slot != nil {
			what += ", slot " + strconv.Itoa(*r.Slot)
		}
		rows = append(rows, []string{
			what, map[bool]string{true: "waits", false: "holds"}[r.Waiting], text(r.PID), text(r.Application),
			text(r.User), text(r.ClientAddr), instant(r.Since), text(r.State),
		})
	}
	if asJSON {
		return s.printJSON(records)
	}
	headings := []string{"LOCK", "", "PID", "APPLICATION", "USER", "CLIENT", "SINCE", "STATE"}
	return s.printTable("nobody holds or waits for a lock",
		table{headings: headings, rows: rows, spare: []string{"CLIENT", "USER"}})
}

// names finds out what the objects of locks are called: views and links by their names, sets by what they come to.
func (s *connection) names(ctx context.Context) (func(lock.Held) string, error) {
	views, err := s.store.Views(ctx)
	if err != nil {
		return nil, err
	}
	sets, err := s.store.PendingSets(ctx)
	if err != nil {
		return nil, err
	}
	links, err := s.store.Links(ctx)
	if err != nil {
		return nil, err
	}
	type object struct {
		kind string
		id   int32
	}
	known := map[object]string{}
	for _, v := range views {
		known[object{lock.KindView, v.ID}] = v.Name.String()
	}
	for _, set := range sets {
		known[object{lock.KindSet, set.ID}] = fmt.Sprintf("%d, which %s", set.ID, set.Deed())
		for _, v := range set.Views {
			known[object{lock.KindView, v.ID}] = v.Name.String()
		}
	}
	for _, l := range links {
		known[object{lock.KindLink, l.ID}], known[object{lock.KindLogin, l.ID}] = l.Name, l.Name
	}
	return func(h lock.Held) string {
		if name, found := known[object{h.Kind, h.ID}]; found {
			return name
		}
		return fmt.Sprintf("number %d", h.ID) // made or dropped a moment ago
	}, nil
}
