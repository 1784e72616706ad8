package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

func (p *program) linkTestCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test NAME",
		Short: "Try a link step by step",
		Long: `Has the cache database open a session on Redshift through the link and read one row, and says at which step that
ends: dns (the host has an address), tcp (something answers there), tls, login, or select. The same is tried from this
machine, which is how transport stream gets there; that this machine has no way is told, and is no failure.

As before a refresh, a password from AWS that is about to end is renewed, and a private address is looked up, which is
the step aws. Below the steps stands where the password comes from and when it ends, which address was taken, whether
TLS is on, and how long Redshift takes to answer a query that costs nothing.`,
		Example: `  cachectl link test dw
  cachectl link test dw --json | jq -r .failed_step`,
		Args:              takes(1, 1),
		ValidArgsFunction: p.completeLinks,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.testLink(cmd.Context(), args[0], asJSON), "test link %s", args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

// stepAWS comes before those of the connection: what AWS tells of the link is current.
const stepAWS dblink.Step = "aws"

// linkTrial is a link with all that its test found out.
type linkTrial struct {
	link  catalog.Link
	state catalog.LinkState
	aws   error // why AWS did not tell what is needed
	tried bool  // whether PostgreSQL was sent there at all
	there dblink.Trial
	here  hereTrial
	took  time.Duration // of PostgreSQL's way
}

func (s *connection) testLink(ctx context.Context, name string, asJSON bool) error {
	link, err := s.store.Link(ctx, name)
	if err != nil {
		return err
	}
	trial := &linkTrial{link: link}
	if err := s.try(ctx, trial); err != nil {
		return err
	}
	if asJSON {
		err = s.printJSON(recordTrial(trial))
	} else {
		err = s.printTrial(trial)
	}
	if err != nil {
		return err
	}
	return trial.failure()
}

// try goes the way of a refresh: what AWS has to tell is made current, a session is opened, and when that fails, AWS
// is asked once what is the matter, and then it is tried once more if something has changed.
func (s *connection) try(ctx context.Context, t *linkTrial) (err error) {
	if t.state, err = s.linkState(ctx, t.link); err != nil {
		return err
	}
	since := t.state.Now
	t.aws = s.ready(ctx, t)
	if !unavailable(t.aws) {
		if err := s.connect(ctx, t); err != nil {
			return err
		}
		if t.there.Cause != nil && t.aws == nil && s.repaired(ctx, t, since) {
			if err := s.connect(ctx, t); err != nil {
				return err
			}
		}
	}
	// Whatever was learned meanwhile is in the catalog.
	if t.link, err = s.store.Link(ctx, t.link.Name); err != nil {
		return err
	}
	t.state, err = s.linkState(ctx, t.link)
	return err
}

// ready makes current what AWS tells of the link. What a refresh can do without for a while, and looks at when it is
// due, is asked for here, so that it shows when AWS does not tell.
func (s *connection) ready(ctx context.Context, t *linkTrial) error {
	if !t.link.Managed() {
		return nil
	}
	if rests(t.state) || t.link.Address == catalog.PrivateAddress {
		if _, err := s.keeper.Resolve(ctx, t.link); err != nil {
			return err
		}
	}
	return s.keeper.Ready(ctx, t.link)
}

// repaired says whether AWS knew something that may help. It does not wait for a cluster that comes back by itself.
func (s *connection) repaired(ctx context.Context, t *linkTrial, since time.Time) (again bool) {
	switch class := redshift.Classify(t.there.Cause); {
	case !t.link.Managed():
	case class == redshift.Credentials:
		again, t.aws = s.keeper.Repair(ctx, t.link, since, t.there.Cause)
	case class == redshift.Reconnect:
		var now catalog.Link
		now, t.aws = s.keeper.Resolve(ctx, t.link)
		again = now.Server() != t.link.Server()
	}
	return again && t.aws == nil
}

// bareReason is why a cluster is away, for a message that names the link already.
func bareReason(err error) error {
	if away, is := errors.AsType[*access.UnavailableError](err); is {
		return infra.Hinted(errors.New(away.Status), away.Hint())
	}
	return err
}

func unavailable(err error) bool { return errors.As(err, new(*access.UnavailableError)) }

// connect tries the way of PostgreSQL and that of this machine, at the same time.
func (s *connection) connect(ctx context.Context, t *linkTrial) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	here := make(chan hereTrial, 1)
	go func() { here <- s.tryHere(ctx, t.link) }()
	began := time.Now()
	err := infra.InTx(ctx, s.pool, infra.Limits{}, func(tx pgx.Tx) (err error) {
		t.there, err = dblink.Try(ctx, tx, t.link.Server().Name, redshift.Settings{QueryGroup: "redcache link test"})
		return err
	})
	t.tried, t.took = true, time.Since(began)
	if errors.As(t.there.Cause, new(*dblink.SilentError)) {
		err = nil // the connection to PostgreSQL, which waits for Redshift, has been given up
	}
	if err != nil {
		stop() // nobody wants to know any more
	}
	t.here = <-here
	return err
}

// failure is what the test ends in. This machine's own way does not count: PostgreSQL can do without.
func (t *linkTrial) failure() error {
	failed := t.failed()
	switch {
	case failed == "":
		return nil
	case failed == stepAWS:
		return fmt.Errorf("%s: %w", failed, bareReason(t.aws))
	case t.aws != nil:
		return fmt.Errorf("%w; %w", t.refused(), t.aws)
	}
	return t.refused()
}

func (t *linkTrial) refused() error {
	return dblink.UntriedHint(redshift.Explained(t.there.Cause, string(t.there.Failed)))
}

// failed is the first step that failed; empty when none did. That a cluster is away is the reason for all that comes
// of it.
func (t *linkTrial) failed() dblink.Step {
	if t.aws != nil && (t.there.Cause == nil || unavailable(t.aws)) {
		return stepAWS
	}
	return t.there.Failed
}
