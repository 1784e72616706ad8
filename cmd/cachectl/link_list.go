package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
)

func (p *program) linkListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the links",
		Long: `Lists the links by name: where they lead, where their passwords come from and when those end, and until when a link
rests because its cluster is not available. Passwords are in nobody's sight.`,
		Example: `  cachectl link list
  cachectl link list --json`,
		Args:              takes(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.listLinks(cmd.Context(), asJSON), "list links")
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *connection) listLinks(ctx context.Context, asJSON bool) error {
	links, err := s.store.Links(ctx)
	if err != nil {
		return err
	}
	records, rows := []linkRecord{}, [][]string{}
	resting := false
	for _, l := range links {
		state, err := s.linkState(ctx, l)
		if err != nil {
			return err
		}
		record := recordLink(l, state)
		records = append(records, record)
		rows = append(rows, []string{
			l.Name, whereTo(l), strconv.Itoa(l.Port), l.Database, orDash(l.User), l.SSLMode, strconv.Itoa(l.MaxConcurrency),
			instant(&l.CreatedAt), loginOf(l), expiry(state), rest(record.restRecord),
		})
		resting = resting || rests(state)
	}
	if asJSON {
		return s.printJSON(records)
	}
	t := table{
		headings: []string{
			"LINK", "HOST", "PORT", "DATABASE", "USER", "SSLMODE", "MAX", "CREATED", "CREDENTIALS", "END", "RESTS",
		},
		rows: rows, spare: []string{"CREATED", "SSLMODE", "MAX"},
	}
	if !resting {
		t = t.without("RESTS")
	}
	return s.printTable("no links yet; `cachectl link add` makes one", t)
}

func orDash(value string) string { return text(some(value)) }
