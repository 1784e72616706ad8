package refresh

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// RefusedError is all that servers have against the queries of changes. Whoever looks at many views wants to hear of all of them
// at once, so a view that is refused keeps none from being looked at but those that read it.
type RefusedError struct {
	Queries []RefusedQuery
	Left    []catalog.Name // that were not looked at, since they read one that is refused, or such a one
}

// RefusedQuery is what a server, or the catalog on its behalf, has against one of them.
type RefusedQuery struct {
	Name      catalog.Name
	Query     string // that was asked
	Condition bool   // it says whether there is something to read, and is not the one that is cached
	At        int    // offset in it; [redshift.NoPlace]: that cannot be told
	What, Fix string
	err       error // in the words of who changes a single view
}

// Error has all of it.
func (e *RefusedError) Error() string {
	texts := make([]string, len(e.Queries))
	for i, q := range e.Queries {
		texts[i] = q.err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the errors of the views.
func (e *RefusedError) Unwrap() (errs []error) {
	for _, q := range e.Queries {
		errs = append(errs, q.err)
	}
	return errs
}

// stops says whether a decision needs a view that is refused, and notes it.
func (e *RefusedError) stops(c decision) bool {
	stopped := slices.ContainsFunc(slices.Concat(c.after.Inputs(), c.after.Referred()), func(input catalog.Name) bool {
		return slices.Contains(e.Left, input) || slices.ContainsFunc(e.Queries, func(q RefusedQuery) bool { return q.Name == input })
	})
	if stopped = stopped && !c.Drop; stopped {
		e.Left = append(e.Left, c.Name)
	}
	return stopped
}

// takes notes what was said of a decision, where that is about its query and the others can be looked at all the same.
func (e *RefusedError) takes(c decision, err error) bool {
	q := RefusedQuery{Name: c.Name, Query: c.after.Query, At: redshift.NoPlace, Fix: infra.Hint(err), err: c.about(err)}
	placed, refused := errors.AsType[*placedError](err)
	invalid, wrong := errors.AsType[*catalog.InvalidError](err)
	switch {
	case refused:
		if q.Condition = placed.condition; q.Condition {
			q.Query = c.after.ReadyWhen
		}
		q.At, q.What = placed.at, placed.told()
		if q.endsEarly() {
			q.Fix = "The query ends too early: that parenthesis is the one that closes it where it is asked."
		}
	case wrong:
		q.What = invalid.Problem
	default:
		return false
	}
	e.Queries = append(e.Queries, q)
	return true
}

// endsEarly says whether Redshift has met the parenthesis that we put behind the query.
func (q RefusedQuery) endsEarly() bool {
	return q.At != redshift.NoPlace && strings.HasSuffix(q.What, `at or near ")"`) && !strings.HasPrefix(q.Query[q.At:], ")")
}

// placedError is what a server has against a query, or against the condition of one, and where in it.
type placedError struct {
	at        int
	condition bool
	err       error
}

func (e *placedError) Error() string { return e.err.Error() }
func (e *placedError) Unwrap() error { return e.err }

// told says it without saying what was being done.
func (e *placedError) told() string {
	server, said := errors.AsType[*pgconn.PgError](e.err)
	if said && redshift.SideOf(e.err) == redshift.Here {
		return "PostgreSQL refuses the query: " + infra.Bounded(server.Message)
	}
	what, _ := redshift.Explain(e.err)
	return what
}

// refusedBy says of an error of a server's whether it is the query that the server has something against.
func refusedBy(side redshift.Side, err error) bool {
	if redshift.Classify(err) != redshift.Never {
		return false
	}
	return redshift.ServerCode(err, side) != "" && (side == redshift.Here || redshift.Relayed(err))
}
