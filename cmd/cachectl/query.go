package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

type queryOptions struct {
	link, query string
	limit       int
	timeout     duration
	csv, json   bool
}

func (p *program) queryCommand() *cobra.Command {
	o := queryOptions{timeout: duration(infra.DefaultStatement)}
	cmd := &cobra.Command{
		Use:   `query LINK "select …"`,
		Short: "Run a query on Redshift, live, through a link",
		Long: `Runs one SELECT on Redshift through the link and prints its rows as they come: as a table on a terminal, as CSV
elsewhere (with a header; NULL is empty, an empty text is ""), or with --json as one object a line. A terminal gets
escapes for control characters in values; a pipe or a file gets the values as they are. Values are texts,
as PostgreSQL writes them. Columns may be without a name, or have the same; with --json, a name that repeats gets
a number. Nothing is cached, and nothing can be written.`,
		Example: `  cachectl query dw "select count(*) as n from public.sales"
  cachectl query dw "select * from public.sales" --limit 20
  cachectl query dw "select * from public.venue" --csv > venue.csv`,
		Args:              takes(2, 2),
		ValidArgsFunction: p.completeLinks,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.link, o.query = args[0], args[1]
			switch {
			case o.csv && o.json:
				return usagef("", "--csv and --json exclude each other")
			case o.limit < 0:
				return usagef("", "--limit is negative")
			}
			if problem, fix := catalog.CheckTimeout(time.Duration(o.timeout)); problem != "" && o.timeout > duration(time.Second) {
				return usagef(fix, "--timeout is %s", problem)
			}
			var err error
			if o.query, err = redshift.ReadQuery(o.query); err != nil {
				return usage(err, "")
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.query(cmd.Context(), o), "query")
			})
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.limit, "limit", 0, "most `rows` to read; 0: all")
	f.Var(&o.timeout, "timeout", "end the query when it takes longer, on both servers")
	f.BoolVar(&o.csv, "csv", false, "print CSV, also on a terminal")
	f.BoolVar(&o.json, "json", false, "print one JSON object a line, see docs/json.md")
	return cmd
}

func (s *connection) query(ctx context.Context, o queryOptions) error {
	link, err := s.store.Link(ctx, o.link)
	if err != nil {
		return err
	}
	server, timeout := link.Server().Name, time.Duration(o.timeout)
	limits := infra.Limits{Statement: timeout}
	err = infra.InTx(ctx, s.pool, limits, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET TRANSACTION READ ONLY`); err != nil {
			return err
		}
		remote, err := s.keeper.Open(ctx, tx, link, redshift.Settings{
			QueryGroup: "redcache query", StatementTimeout: timeout,
		})
		if err != nil {
			return redshift.Explained(err, "connect through link "+o.link)
		}
		stop := dblink.Watch(ctx, s.pool, remote)
		// In a savepoint, so that the connection can be closed also after a failure.
		within, done := dblink.WithinTimeout(ctx, server, timeout)
		err = done(infra.InSavepoint(within, tx, func(nested pgx.Tx) error { return s.stream(within, nested, remote, server, o) }))
		if failure := stop(err); failure != nil {
			err = errors.Join(err, failure)
		}
		if err != nil && infra.Hint(err) == "" {
			err = o.explained(err)
		}
		if tx.Conn().IsClosed() { // it has been given up, and the session with it
			return err
		}
		return errors.Join(err, remote.Close(ctx))
	})
	return o.timedOut(err)
}

// explained says what a failure to read means. There is no view that could be the matter.
func (o queryOptions) explained(err error) error {
	const dataException = "22"
	doing := "read through link " + o.link
	switch {
	case strings.HasPrefix(redshift.ServerCode(err, redshift.Here), dataException):
		return infra.Hinted(fmt.Errorf("%s: a value is none of its column's type: %w", doing, err),
			"Cast the column to another type in the query, repair the value on Redshift, or leave it out.")
	case redshift.OtherShape(err):
		return infra.Hinted(fmt.Errorf("%s: the answer has other columns than were announced: %w", doing, err),
			"Try again: somebody may have changed a table meanwhile.")
	}
	return redshift.Explained(err, doing)
}

// timedOut names the time that is up when a server has ended a statement of a query.
func (o queryOptions) timedOut(err error) error {
	const canceled = "57014"
	if redshift.ServerCode(err, redshift.Here) != canceled && redshift.ServerCode(err, redshift.There) != canceled {
		return err
	}
	return infra.Hinted(err, fmt.Sprintf("Its time was up, or somebody cancelled it: --timeout is %s, the wait in a queue of Redshift included.",
		catalog.FormatDuration(time.Duration(o.timeout))))
}

// stream describes the query and prints its rows while they come in.
func (s *connection) stream(ctx context.Context, tx pgx.Tx, remote *dblink.Session, server string, o queryOptions) error {
	live, err := redshift.DescribeLive(ctx, remote, o.query)
	if err != nil {
		return err
	}
	columns := live.Columns
	text, err := redshift.Select(columns, limited(live.Query, o.limit), "", redshift.StripNUL)
	if err != nil {
		return err
	}
	texts := make([]string, len(columns))
	for i, c := range columns {
		texts[i] = "r." + sql.Ident(c.Name) + "::text"
	}
	rows, err := tx.Query(ctx, "SELECT "+strings.Join(texts, ", ")+
		" FROM ("+dblink.Select(remote.Schema(), server, columns, text)+") AS r")
	if err != nil {
		return err
	}
	defer rows.Close()
	return printRows(rows, s.newRowWriter(live.Names, o), len(columns))
}

// printRows hands rows of n texts over one by one.
func printRows(rows pgx.Rows, out rowWriter, n int) error {
	values, targets := make([]*string, n), make([]any, n)
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if err := out.write(values); err != nil {
			return wrap(err, "write to stdout")
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return wrap(out.close(), "write to stdout")
}

// limited is the query with its limit, in a form that both the query's own ORDER BY and a last comment survive.
func limited(query string, limit int) string {
	if limit == 0 {
		return query
	}
	return redshift.Limited(query, limit)
}
