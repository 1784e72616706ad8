package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
)

type linkRotateOptions struct {
	passwordFrom string // name of an environment variable
	dryRun, json bool
}

func (p *program) linkRotateCommand() *cobra.Command {
	var o linkRotateOptions
	cmd := &cobra.Command{
		Use:   "rotate NAME [--password-env VAR]",
		Short: "Give a link a new password at once",
		Long: `Gives the link the password that AWS issues or that its secret has now, or, for a link that gets its password by hand,
the one in the environment variable that --password-env names. A session is opened with it first; when that fails, the
old one stays. Sessions that are open keep the login that they have. What somebody has dropped of the link in the cache
database, its foreign server and user mapping, is made again.

Change a password on Redshift first, and then here. Passwords from AWS are renewed by themselves before they end; rotate
one when it may have become known, or after its secret has changed.`,
		Example: `  DW_PASSWORD=… cachectl link rotate dw --password-env DW_PASSWORD
  cachectl link rotate dw --dry-run`,
		Args:              takes(1, 1),
		ValidArgsFunction: p.completeLinks,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			password := ""
			if o.passwordFrom != "" {
				if password, err = passwordIn(p.lookup, o.passwordFrom, "rotate …"); err != nil {
					return err
				}
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.rotateLink(cmd.Context(), args[0], password, o), "rotate login of link %s", args[0])
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.passwordFrom, "password-env", "", "`name` of the environment variable that holds the new password")
	f.BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	f.BoolVar(&o.json, "json", false, jsonHelp)
	return cmd
}

func (s *connection) rotateLink(ctx context.Context, name, password string, o linkRotateOptions) error {
	link, err := s.store.Link(ctx, name)
	if err != nil {
		return err
	}
	if err := checkRotation(link, password); err != nil {
		return err
	}
	if o.dryRun {
		return s.planRotation(ctx, link, password, o.json)
	}
	if err := s.keeper.Rotate(ctx, link, password); err != nil {
		return err
	}
	state, err := s.linkState(ctx, link)
	if err != nil {
		return err
	}
	if o.json {
		return s.printJSON(recordLink(link, state))
	}
	until := ""
	if state.ExpiresAt != nil {
		until = ", which ends " + expiry(state)
	}
	return s.printf("link %s has a new password%s\n", link.Name, until)
}

// checkRotation refuses what only the link's definition shows to be wrong.
func checkRotation(l catalog.Link, password string) error {
	switch byHand := l.Credentials == catalog.PasswordCredentials; {
	case byHand && password == "":
		return &catalog.InvalidError{
			What: "login of link " + l.Name, Problem: "its password is given by hand, and none is",
			Fix: passwordHint + "rotate … --password-env DW_PASSWORD",
		}
	case !byHand && password != "":
		return &catalog.InvalidError{
			What: "login of link " + l.Name, Problem: "its password comes from AWS (" + loginOf(l) + ")",
			Fix: "leave --password-env out",
		}
	}
	return nil
}

// planRotation asks AWS for nothing, and opens no session.
func (s *connection) planRotation(ctx context.Context, l catalog.Link, password string, asJSON bool) error {
	steps, err := s.keeper.PlanRotate(ctx, l, password)
	if err != nil {
		return err
	}
	last := &steps[len(steps)-1]
	last.Notes = append(last.Notes, "a session is opened with it; when that fails, all of this is rolled back")
	return s.printPlan(planOf("link "+l.Name, steps), asJSON)
}
