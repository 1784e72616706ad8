package main

import "github.com/spf13/cobra"

func (p *program) linkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "link",
		Short: "Manage the links to Redshift",
		Long: `A link is a named connection from the cache database to one Redshift database: a foreign server and a user mapping,
which holds the password and shows it to nobody. AWS may issue that password, and tell where the cluster is.`,
		Example: `  cachectl link add dw --host dw.example.com --database prod --user cache_ro \
    --password-env DW_PASSWORD
  cachectl link add lake --workgroup analytics --database dev
  cachectl link list
  cachectl link test dw`,
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true}, // they belong to the command that is unknown
		RunE:               needsCommand,
	}
	cmd.AddCommand(p.linkAddCommand(), p.linkListCommand(), p.linkTestCommand(), p.linkRotateCommand(),
		p.linkRemoveCommand())
	return cmd
}
