package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
)

// What bad rows are reported as.
const (
	uniqueViolation      = "23505"
	duplicateRows        = "21000" // REFRESH … CONCURRENTLY found two rows that are alike
	notNullViolation     = "23502"
	untranslatableText   = "22021"
	outOfRange           = "22003"
	invalidText          = "22P02"
	columnsDiffer        = "42804" // dblink's word for a result of another shape
	queryCanceled        = "57014"
	stringTooLong        = "22001"
	invalidDatetime      = "22007"
	datetimeFieldTooHigh = "22008"
)

const repeatedKeyHint = "Redshift does not enforce keys. Remove the duplicates in the query, for instance with ROW_NUMBER(), " +
	"choose another key, or use strategy incremental, which keeps the row with the latest watermark."

// diagnose turns the failure of a load into something that its reader can act upon. For bad rows it asks the source
// for examples, through the session that is still open.
func (w *work) diagnose(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		// Not wrapped: what took so long and came to nothing is not worth another attempt.
		return infra.Hinted(fmt.Errorf("read through link %s: no answer after %s", w.view.Link.Name,
			catalog.FormatDuration(w.timeout())), "Look at Redshift and the network to it: `cachectl link test "+w.view.Link.Name+"`.")
	}
	if sqlState(err) == queryCanceled && timeLeft(ctx, time.Second) < time.Second {
		<-ctx.Done() // the servers know of the same deadline, and one of them was a moment early
	}
	if ctx.Err() != nil {
		return err
	}
	name := w.view.Name.String()
	switch state := sqlState(err); {
	case errors.Is(err, errNullKey), state == notNullViolation:
		return w.badRows(ctx, err, "its key %s is NULL", dblink.FindNullKeys,
			"Exclude such rows in the query, or choose another key.")
	case state == uniqueViolation && constraint(err) == w.view.Relation(w.view.Generation)+"_key", state == duplicateRows:
		return w.badRows(ctx, err, "its key %s repeats", dblink.FindDuplicateKeys, repeatedKeyHint)
	case state == untranslatableText:
		return w.badText(ctx, err)
	case state == outOfRange, state == invalidText, state == columnsDiffer, state == stringTooLong,
		state == invalidDatetime, state == datetimeFieldTooHigh:
		return infra.Hinted(fmt.Errorf("a value does not fit its column: %w", err),
			"The source's columns may have changed since they were described: "+
				"`cachectl alter-view "+name+" --describe` describes them again. If they have not, Redshift tells a wrong "+
				"type of a computed column: cast it in the query, as in (expression)::numeric(18,2) AS name.")
	}
	return explainRemote(w.view, err)
}

// constraint returns the name of the constraint or index that err is about.
func constraint(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.ConstraintName
	}
	return ""
}

// asker returns a session that can be asked for examples, nil when there is none: the one that was used, if it is
// PostgreSQL's. One of this process's own has been broken off in the midst of its rows, and goes first: somebody who waits
// for its locks may be before the next session.
func (w *work) asker(ctx context.Context) (s *dblink.Session, done func()) {
	if s, ok := w.source.(dblinkSource); ok {
		return s.Session, func() {}
	}
	_ = w.source.Close(ctx) // closed again, it says what was wrong
	s, err := dblink.Open(ctx, w.tx, w.view.Link.Server().Name, w.settings(ctx))
	if err != nil {
		return nil, nil
	}
	return s, func() { _ = s.Close(ctx) } // what is left of it goes with the next session of that name
}

type finder func(ctx context.Context, src dblink.Source, query string, key []string) ([]string, error)

// badRows adds examples of the rows that are in the way.
func (w *work) badRows(ctx context.Context, err error, problem string, find finder, hint string) error {
	key := strings.Join(w.view.Key, ", ")
	if len(w.view.Key) == 0 {
		return err // not about the key: a unique index of the user's own, say
	}
	problem = fmt.Sprintf(problem, key)
	if s, done := w.asker(ctx); s != nil {
		defer done()
		examples, findErr := find(ctx, s, w.view.Query, w.view.Key)
		if findErr == nil && len(examples) > 0 {
			problem += ", for instance " + strings.Join(examples, "; ")
		}
	}
	return infra.Hinted(fmt.Errorf("%s: %w", problem, err), hint)
}

// badText names the columns and rows whose text is not valid UTF-8.
func (w *work) badText(ctx context.Context, err error) error {
	problem := "a text is not valid UTF-8"
	if s, done := w.asker(ctx); s != nil {
		defer done()
		var examples []string
		found, _ := dblink.FindBadText(ctx, s, w.columns, w.view.Query, w.view.Key) // no examples, then
		for _, bad := range found {
			examples = append(examples, fmt.Sprintf("column %s where %s", bad.Column, cmp.Or(bad.Key, "no key tells which row")))
		}
		if len(examples) > 0 {
			problem += ", for instance " + strings.Join(examples, "; ")
		}
	}
	return infra.Hinted(fmt.Errorf("%s: %w", problem, err),
		"Repair the value on Redshift, or leave it out in the query.")
}

// explainRemote says what was wrong on the way to Redshift or there.
func explainRemote(v catalog.View, err error) error {
	if sqlState(err) == queryCanceled {
		return infra.Hinted(fmt.Errorf("read through link %s: %w", v.Link.Name, err), fmt.Sprintf(
			"The view's timeout is %s; `cachectl alter-view %s --timeout` changes it.",
			catalog.FormatDuration(v.Timeout), v.Name))
	}
	if infra.Hint(err) != "" {
		return err // explained where it happened
	}
	return catalog.ExplainRemote(err, "read through link "+v.Link.Name)
}
