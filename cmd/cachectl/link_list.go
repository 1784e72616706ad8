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
		Long:  `Lists the links by name. Passwords are in nobody's sight.`,
		Example: `  cachectl link list
  cachectl link list --json`,
		Args:              takes(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.inCatalog(cmd.Context(), func(s *session) error {
				return doing(s.listLinks(cmd.Context(), asJSON), "list links")
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *session) listLinks(ctx context.Context, asJSON bool) error {
	links, err := s.store.Links(ctx)
	if err != nil {
		return err
	}
	records, rows := []linkRecord{}, [][]string{}
	for _, l := range links {
		records = append(records, recordLink(l))
		host := l.Host
		if l.HostAddr != "" {
			host += " (" + l.HostAddr + ")"
		}
		rows = append(rows, []string{
			l.Name, host, strconv.Itoa(l.Port), l.Database, l.User, l.SSLMode, strconv.Itoa(l.MaxConcurrency),
			instant(&l.CreatedAt),
		})
	}
	if asJSON {
		return s.printJSON(records)
	}
	return s.printTable("no links yet; `cachectl link add` makes one",
		[]string{"LINK", "HOST", "PORT", "DATABASE", "USER", "SSLMODE", "MAX", "CREATED"}, rows)
}
