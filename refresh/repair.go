package refresh

import (
	"context"
	"fmt"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// ready has the link's login and address brought up to date. The transaction sees what others commit from its next
// statement on, and with it the user mapping and the server as they are then.
func (j *job) ready(ctx context.Context, a *attempt) error {
	first := a.works[0]
	if first.view.Kind == catalog.LocalSource {
		return nil
	}
	j.link, j.since = &first.view.Link, first.state.Now
	return j.runner.cfg.Links.Ready(ctx, *j.link)
}

// repair has the link mended on which an attempt failed, and says whether it is worth trying again at once. It does so
// once in a refresh for each class of failure: what is still refused or unreachable then is so for another reason. With
// an error, no further attempt is worth anything.
func (j *job) repair(ctx context.Context, cause error) (again bool, err error) {
	if cause == nil || j.link == nil || ctx.Err() != nil {
		return false, nil
	}
	link, class := *j.link, redshift.Classify(cause)
	if j.repaired[class] {
		if class == redshift.Credentials {
			return false, refusedAgain(link, cause)
		}
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, j.stub.Timeout)
	defer cancel()
	j.repaired[class] = true
	j.stillAtIt(ctx, repairing)
	if again, err = j.runner.cfg.Links.Repair(ctx, link, j.since, cause); again {
		j.runner.opener.Forget(link.ID)
	}
	return again, err
}

// repairing is how long AWS takes at most, but for a bad day, to say what a link logs in with or where it leads.
const repairing = 30 * time.Second

// stillAtIt says that what is being built is not left behind, although nobody has its lock for so long. Where that cannot be
// said, the next attempt finds out what has become of it.
func (j *job) stillAtIt(ctx context.Context, silent time.Duration) {
	if j.set == 0 {
		return
	}
	if err := j.runner.store.TouchSet(ctx, j.set, silent); err != nil {
		j.runner.cfg.Log.DebugContext(ctx, "nobody was told that the set is being built", infra.KeyError, redshift.Public(err))
	}
}

// refusedAgain says what a login that is refused although it is new can mean.
func refusedAgain(l catalog.Link, cause error) error {
	hint := "AWS issues logins also for users that do not exist: create the user on Redshift, and let it use the database."
	switch l.Credentials {
	case catalog.SecretCredentials:
		hint = "The secret has been read again: put the login that Redshift knows into it."
	case catalog.ClusterCredentials:
		user, err := redshift.Ident(l.User)
		if err != nil {
			user = "of that name"
		}
		hint = fmt.Sprintf("AWS issues logins also for users that do not exist: on Redshift, CREATE USER %s PASSWORD DISABLE, "+
			"and let it use database %s.", user, l.Database)
	}
	return infra.Hinted(fmt.Errorf("the login was renewed, and is refused again: %w", cause), hint)
}
