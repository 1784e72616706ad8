package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
)

// Target is the generation of one view that is to be filled, and what a strategy may go by.
type Target struct {
	View     catalog.View
	Relation string // the generation, as SQL names it
	Fresh    bool   // it was made in this transaction, and is empty
	Before   int64  // how many rows earlier refreshes of the query have left, in this generation or in the one before
	Previous string // the generation before, where it has rows of the same query and columns; empty: none

	Session   read.Session // on Redshift
	Query     read.Query   // all that can be read, without a condition
	Snapshot  bool         // the session keeps a snapshot already: all reads see one moment
	Watermark *string      // up to here rows have been read; nil: everything is to be read
	AsOf      time.Time    // every remote commit before this moment is seen
	Opened    time.Time    // before the remote clock was asked; only of a view with a safety lag

	Patience time.Duration          // for a lock that readers have to make room for
	Guard    func(rows int64) error // refuses a source that has lost too many of its rows
	Doing    func(Activity)         // told what happens to the rows
	Remark   func(error)            // told what is out of the ordinary
}

// Filled is what has become of a target.
type Filled struct {
	catalog.Outcome
	// Frozen says that no transaction, however old, sees the generation empty.
	Frozen bool
}

// Activity is what happens to the rows: a server's error alone does not say whether a value, an index or something that
// others have made is at fault.
type Activity string

// What can happen to rows.
const (
	Reading  Activity = "read rows"           // into a table without indexes, where a value can only not fit
	Applying Activity = "read and write rows" // in one statement that reads as well
	Writing  Activity = "write rows"          // that have been read
	Indexing Activity = "build indexes"       // of what has been read
)

// load reads the rows for which a condition holds into a table.
func (t Target) load(ctx context.Context, tx pgx.Tx, where, table string) (read.Loaded, error) {
	got, err := t.Session.Load(ctx, tx, t.where(where), table)
	for _, remark := range got.Remarks {
		t.Remark(remark)
	}
	return got, err
}

func (t Target) where(condition string) read.Query {
	q := t.Query
	q.Where = condition
	return q
}

// rows is how many rows the generation had before.
func (t Target) rows() int64 {
	if t.Fresh {
		return 0
	}
	return t.Before
}

func (t Target) columns() []redshift.Column { return t.Query.Columns }

func (t Target) names() []string { return redshift.Names(t.Query.Columns) }

// writes has a step say that it writes rows that readers see, unless nobody sees the generation yet.
func (t Target) writes(step plan.Step) plan.Step {
	if step.Live = true; !t.Fresh {
		step.Lock = plan.RowExclusive
	}
	return step
}

// oneRow runs a step that returns one row; a rehearsal leaves what it is scanned into as it is.
func oneRow(ctx context.Context, tx pgx.Tx, step plan.Step, into ...any) error {
	if !plan.Sends(tx, step) {
		return nil
	}
	return wrap(tx.QueryRow(ctx, step.SQL, pgx.QueryExecModeExec).Scan(into...), step.Title)
}

// Local is the columns as a generation has them.
func Local(columns []redshift.Column) []relation.Column {
	list := make([]relation.Column, len(columns))
	for i, c := range columns {
		list[i] = relation.Column{Name: c.Name, Type: c.Type.Local}
	}
	return list
}

func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
