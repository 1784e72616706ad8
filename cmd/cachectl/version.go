package main

import (
	"github.com/spf13/cobra"

	"github.com/redcache/redcache/infra"
)

func (p *program) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show which build this is",
		Long:  `Shows the version of this program, the commit it was built from, and the release of Go. Needs no database.`,
		Example: `  cachectl version
  cachectl version --json`,
		Args:              takes(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return p.printJSON(versionRecord{infra.Version()})
			}
			return p.printf("cachectl %s\n", infra.Version())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}
