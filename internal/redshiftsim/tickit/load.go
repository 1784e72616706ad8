package tickit

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed schema.sql
var schema string

// How often the odd rows come.
const (
	NullUpdatedEvery = 1000
	LateEvery        = 20
	DuplicateEvery   = 50
)

// Options say how much to make.
type Options struct {
	// Sales is the number of sales, 10,000 by default. The other tables follow: about as many listings, and a quarter
	// as many users.
	Sales int
}

// first is the instant at which the data begin; the last loaded sale is half a year later.
var first = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

const spread = 180 * 24 * time.Hour

// Load drops the schema's tables, makes them again and fills them. Rows are streamed, so memory does not grow with
// their number. It needs the superuser's URL of the engine.
func Load(ctx context.Context, engineURL string, options Options) error {
	conn, err := pgx.Connect(ctx, engineURL)
	if err != nil {
		return fmt.Errorf("connect to engine: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return load(ctx, tx, sizesOf(options)) })
	if err != nil {
		return fmt.Errorf("load tickit: %w", err)
	}
	if _, err := conn.Exec(ctx, "ANALYZE tickit.listing, tickit.sales, tickit.users, tickit.event"); err != nil {
		return fmt.Errorf("analyze tickit: %w", err)
	}
	return nil
}

func load(ctx context.Context, tx pgx.Tx, n sizes) error {
	if _, err := tx.Exec(ctx, schema); err != nil {
		return fmt.Errorf("make schema: %w", err)
	}
	for _, table := range n.tables() {
		columns, err := columnsOf(ctx, tx, table.name)
		if err != nil {
			return err
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"tickit", table.name}, columns, table.rows()); err != nil {
			return fmt.Errorf("fill %s: %w", table.name, err)
		}
	}
	// Clients of the stand-in see neither; Change and real clients of the engine would be slow without them.
	_, err := tx.Exec(ctx, fmt.Sprintf(`
		CREATE INDEX ON tickit.sales (salesid);
		CREATE SEQUENCE tickit.sales_serial START %d`, n.sales+1))
	return err
}

func columnsOf(ctx context.Context, tx pgx.Tx, table string) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT * FROM tickit."+pgx.Identifier{table}.Sanitize()+" LIMIT 0")
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", table, err)
	}
	defer rows.Close()
	var names []string
	for _, field := range rows.FieldDescriptions() {
		names = append(names, field.Name)
	}
	return names, rows.Err()
}

// sizes are the row counts of the tables that grow.
type sizes struct {
	users, events, listings, sales int
}

func sizesOf(options Options) sizes {
	sales := options.Sales
	if sales <= 0 {
		sales = 10_000
	}
	return sizes{users: max(sales/4, 50), events: max(sales/20, 20), listings: max(sales, 50), sales: sales}
}

// table is a name and a stream of rows.
type table struct {
	name string
	size int
	row  func(i int) []any // i counts from 1
	// again, if not nil, makes a second row with the same key, or none.
	again func(i int) []any
}

// rows streams the table.
func (t table) rows() pgx.CopyFromSource {
	var pending []any
	i := 0
	return pgx.CopyFromFunc(func() ([]any, error) {
		if pending != nil {
			row := pending
			pending = nil
			return row, nil
		}
		if i++; i > t.size {
			return nil, nil
		}
		if t.again != nil {
			pending = t.again(i)
		}
		return t.row(i), nil
	})
}
