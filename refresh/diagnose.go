package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/relation"
)

// What bad rows are reported as.
const (
	duplicateRows      = "21000" // REFRESH … CONCURRENTLY found two rows that are alike
	notNullViolation   = "23502"
	untranslatableText = "22021"
	dataException      = "22" // the class of values that do not fit, or of which an expression cannot be computed
	queryCanceled      = "57014"
)

// uncomputed are the classes of what cannot be computed of a row: values, and subqueries that stand for one and return several.
var uncomputed = []string{dataException, "21"}

const uncomputedHint = "It is a row of an input, or a literal of the query, or a row that an --index of the view cannot be computed of: leave the " +
	"row out, or guard the expression, as NULLIF(x, 0) does a divisor and LIMIT 1 a subquery."

// unfit are the ways in which a text can be no value of a column's type.
var unfit = []string{"22001", "22003", "22007", "22008", "22015", "22030", "22032", "22P02", "22P03", "22P05"}

// diagnose turns the failure of a load into something that its reader can act upon. For bad rows it asks the source
// for examples, through the session that is still open.
func (w *viewWork) diagnose(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		// Not wrapped: what took so long and came to nothing is not worth another attempt.
		return infra.Hinted(fmt.Errorf("%s: no answer after %s", reading(w.view), catalog.FormatDuration(w.at.timeout())), lookAtSource(w.view))
	}
	if relation.SQLState(err) == queryCanceled && timeLeft(ctx, time.Second) < time.Second {
		<-ctx.Done() // the servers know of the same deadline, and one of them was a moment early
	}
	if ctx.Err() != nil {
		return err
	}
	if advice := w.adviceOn(err); advice != "" || infra.Hint(err) != "" {
		return infra.Hinted(err, advice)
	}
	if redshift.SideOf(err) == redshift.There {
		return w.diagnoseThere(err)
	}
	return w.diagnoseHere(ctx, err)
}

// diagnoseThere explains what Redshift, or the way to it, did not do.
func (w *viewWork) diagnoseThere(err error) error {
	const undefinedColumn, undefinedFunction, cannotCast, mismatch = "42703", "42883", "42846", "42804"
	again := altering(w.view.Name, "--describe") + " takes the source's columns as they are now"
	switch {
	case redshift.OtherShape(err):
		return infra.Hinted(fmt.Errorf("read through link %s: the source's columns have changed: %w", w.view.Link.Name, err), again+".")
	case redshift.ServerCode(err, redshift.There) == undefinedColumn:
		explained := explainRemote(w.view, err)
		return infra.Hinted(explained, "A column of the source was renamed or dropped. Where the query names its columns, "+
			"write the new name with "+altering(w.view.Name, "--query")+"; where it takes all of them, "+again+".")
	case slices.Contains([]string{undefinedFunction, cannotCast, mismatch}, redshift.ServerCode(err, redshift.There)):
		// The query was in order when it was described, and what is asked of each column is made for its type.
		return infra.Hinted(explainRemote(w.view, err), "The types of the source's columns have changed, perhaps: "+again+". If they have not, "+
			"what the query names was dropped or changed on Redshift: write it anew with "+altering(w.view.Name, "--query")+".")
	}
	return explainRemote(w.view, err)
}

// diagnoseHere explains what the cache database did not do with the rows.
func (w *viewWork) diagnoseHere(ctx context.Context, err error) error {
	const alikeFound = "matview.c" // where REFRESH … CONCURRENTLY finds rows that are alike
	state := redshift.ServerCode(err, redshift.Here)
	switch {
	case errors.Is(err, apply.ErrNullKey), state == notNullViolation && slices.Contains(w.view.Key, column(err)):
		return w.badRows(ctx, err, "its key %s is NULL", redshift.FindNullKeys,
			"Exclude such rows in the query, or choose another key.")
	case state == relation.UniqueViolation && constraint(err) == w.view.Relation(w.view.Generation)+"_key",
		state == duplicateRows && raisedIn(err) == alikeFound:
		hint := apply.RepeatedKeyHint
		if w.view.Kind == catalog.LocalSource {
			hint = "Remove the duplicates in the query, for instance with ROW_NUMBER(), or choose another key."
		}
		return w.badRows(ctx, err, "its key %s repeats", redshift.FindDuplicateKeys, hint)
	case w.view.Kind == catalog.LocalSource && w.reads() && slices.ContainsFunc(uncomputed, func(class string) bool { return strings.HasPrefix(state, class) }):
		return infra.Hinted(&apply.RowsError{Problem: "PostgreSQL cannot compute what the query asks for", Err: err}, uncomputedHint)
	case state == untranslatableText && w.reads():
		return w.badText(ctx, err)
	case strings.HasPrefix(state, dataException) && (w.doing == apply.Reading || w.reads() && len(w.view.Indexes) == 0):
		return infra.Hinted(&apply.RowsError{Problem: "a value does not fit its column", Err: err}, w.unfitHint())
	case slices.Contains(unfit, state) && w.reads():
		return infra.Hinted(&apply.RowsError{
			Problem: "a value does not fit its column, or an --index of the view cannot be computed of it", Err: err,
		}, "Look at the view's --index expressions. If it is none of them, the source's columns may have changed: "+
			altering(w.view.Name, "--describe")+" describes them again.")
	case state == queryCanceled && w.reads():
		return explainRemote(w.view, err)
	}
	return explainHere(w.view, err, string(w.doing))
}

// explainHere says what the cache database has against a refresh, unless that has been said where it happened.
func explainHere(v catalog.View, err error, doing string) error {
	if infra.Hint(err) != "" || redshift.ServerCode(err, redshift.Here) == "" {
		return err
	}
	if step, ok := errors.AsType[*plan.StepError](err); ok {
		doing = step.Title
	}
	return timedOut(v, redshift.Explained(err, doing))
}

// reads says whether rows were being read when it failed.
func (w *viewWork) reads() bool { return w.doing == apply.Reading || w.doing == apply.Applying }

func (w *viewWork) unfitHint() string {
	return "The source's columns may have changed since they were described: " +
		altering(w.view.Name, "--describe") + " describes them again. If they have not, Redshift tells a " +
		"wrong type of a computed column: cast it in the query, as in (expression)::numeric(18,2) AS name."
}

// constraint returns the name of the constraint or index that err is about.
func constraint(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.ConstraintName
	}
	return ""
}

// column returns the name of the column that err is about.
func column(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.ColumnName
	}
	return ""
}

// raisedIn returns the file of PostgreSQL's source that raised err.
func raisedIn(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return path.Base(pg.File)
	}
	return ""
}

type finder func(ctx context.Context, src redshift.Source, query string, key []string) ([]string, error)

// badRows adds examples of the rows that are in the way.
func (w *viewWork) badRows(ctx context.Context, err error, problem string, find finder, hint string) error {
	if len(w.view.Key) == 0 {
		return err // not about the key: a unique index of the user's own, say
	}
	bad := &apply.RowsError{Problem: fmt.Sprintf(problem, strings.Join(w.view.Key, ", ")), Err: err}
	if s, done := w.at.source.Asker(ctx, w.at.tx); s != nil {
		defer done()
		bad.Examples, _ = find(ctx, s, w.view.Query, w.view.Key) // no examples, then
	}
	return infra.Hinted(bad, hint)
}

// badText names the columns and rows whose text is not valid UTF-8.
func (w *viewWork) badText(ctx context.Context, err error) error {
	bad := &apply.RowsError{Problem: "a text is not valid UTF-8", Err: err}
	if s, done := w.at.source.Asker(ctx, w.at.tx); s != nil {
		defer done()
		found, _ := dblink.FindBadText(ctx, s, w.columns, w.view.Query, w.view.Key) // no examples, then
		for _, text := range found {
			bad.Examples = append(bad.Examples, fmt.Sprintf("column %s where %s", text.Column, cmp.Or(text.Key, "no key tells which row")))
		}
	}
	return infra.Hinted(bad, "Repair the value on Redshift, or leave it out in the query.")
}

// explainRemote says what was wrong where a view's rows are, or on the way there.
func explainRemote(v catalog.View, err error) error {
	if infra.Hint(err) != "" {
		return err // explained where it happened
	}
	return timedOut(v, redshift.Explained(err, reading(v)))
}

// reading is what is done to get at the rows of a view.
func reading(v catalog.View) string {
	if v.Kind == catalog.LocalSource {
		return "compute the query"
	}
	return "read through link " + v.Link.Name
}

// lookAtSource says where to look when nobody answers.
func lookAtSource(v catalog.View) string {
	if v.Kind == catalog.LocalSource {
		return "Look at the cache database, and the network to it: pg_stat_activity shows what it is at."
	}
	return "Look at Redshift and the network to it: " + infra.Command("cachectl", "link", "test", v.Link.Name) + "."
}

// timedOut says what the time is that is up when a server has ended a statement.
func timedOut(v catalog.View, err error) error {
	if relation.SQLState(err) != queryCanceled {
		return err
	}
	return infra.Hinted(err, fmt.Sprintf("The view's timeout is %s; %s changes it.",
		catalog.FormatDuration(v.Timeout), altering(v.Name, "--timeout")))
}

// adviceOn names the view in what the reader of its rows advises.
func (w *viewWork) adviceOn(err error) string {
	if errors.As(err, new(*session.ShapeError)) {
		return altering(w.view.Name, "--describe") + " describes them again."
	}
	if value, ok := errors.AsType[*session.ValueError](err); ok {
		return strings.Replace(value.Hint(), "`cachectl alter-view VIEW --transport dblink`",
			altering(w.view.Name, "--transport", "dblink"), 1)
	}
	return ""
}
