package dblink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// Querier is what a connection, a pool and a transaction of pgx have in common.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const (
	defaultPort           = 5439
	defaultConnectTimeout = 10 * time.Second
	defaultSSLMode        = "require"
	defaultApplication    = "redcache"
)

// options are the libpq options of the foreign server; PostgreSQL 13 takes all of them.
func options(s redshift.Server) map[string]string {
	timeout := orDefault(s.ConnectTimeout, defaultConnectTimeout)
	options := map[string]string{
		"host":             s.Host,
		"hostaddr":         s.HostAddr,
		"port":             strconv.Itoa(orDefault(s.Port, defaultPort)),
		"dbname":           s.Database,
		"sslmode":          orDefault(s.SSLMode, defaultSSLMode),
		"sslrootcert":      s.SSLRootCert,
		"connect_timeout":  strconv.Itoa(max(2, int((timeout+time.Second-1)/time.Second))),
		"application_name": orDefault(s.ApplicationName, defaultApplication),
		"gssencmode":       "disable", // libpq's attempt at GSS makes Redshift close the connection
		// A long query sends nothing, and firewalls forget silent connections; they also hide a dead peer.
		"keepalives": "1", "keepalives_idle": "60", "keepalives_interval": "10", "keepalives_count": "6",
		"tcp_user_timeout": "120000", // milliseconds
	}
	maps.DeleteFunc(options, func(_, value string) bool { return value == "" })
	return options
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// CreateSQL returns the statement that makes the server, without its user mapping: see [SetPassword].
func CreateSQL(s redshift.Server) string {
	return fmt.Sprintf("CREATE SERVER %s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (%s)", sql.Ident(s.Name), optionList("", options(s)))
}

// alterOptions returns the statements that give a server the wanted options in place of the current ones.
func alterOptions(server string, current, wanted map[string]string) []string {
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		value, exists := current[name]
		switch {
		case !exists:
			changes = append(changes, optionList("ADD ", map[string]string{name: wanted[name]}))
		case value != wanted[name]:
			changes = append(changes, optionList("SET ", map[string]string{name: wanted[name]}))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(current)) {
		if _, keep := wanted[name]; !keep {
			changes = append(changes, "DROP "+sql.Ident(name))
		}
	}
	if changes == nil {
		return nil
	}
	return []string{fmt.Sprintf("ALTER SERVER %s OPTIONS (%s)", sql.Ident(server), strings.Join(changes, ", "))}
}

func dropMappingStep(server string) plan.Step {
	return plan.Step{Title: "drop user mapping", SQL: "DROP USER MAPPING IF EXISTS FOR CURRENT_USER SERVER " + sql.Ident(server)}
}

func optionList(verb string, options map[string]string) string {
	list := make([]string, 0, len(options))
	for _, name := range slices.Sorted(maps.Keys(options)) {
		list = append(list, verb+sql.Ident(name)+" "+sql.Literal(options[name]))
	}
	return strings.Join(list, ", ")
}

// Create makes the server and the current role's user mapping. Nothing is sent to Redshift. A rehearsal may not know all of
// the server.
func Create(ctx context.Context, tx pgx.Tx, s redshift.Server, password string) error {
	if err := s.Validate(); err != nil && !plan.Rehearses(tx) {
		return fmt.Errorf("create server: %w", err)
	}
	if err := run(ctx, tx, []plan.Step{{Title: "create server", SQL: CreateSQL(s)}}); err != nil {
		return fmt.Errorf("create server %s: %w", s.Name, err)
	}
	return SetPassword(ctx, tx, s.Name, s.User, password)
}

// Drop removes the server and the current role's user mapping, as far as they are there. It fails when anything else depends
// on the server.
func Drop(ctx context.Context, tx pgx.Tx, name string) error {
	drop := plan.Step{Title: "drop server", SQL: "DROP SERVER IF EXISTS " + sql.Ident(name)}
	if err := run(ctx, tx, []plan.Step{dropMappingStep(name), drop}); err != nil {
		return fmt.Errorf("drop server %s: %w", name, err)
	}
	return nil
}

// Options returns the options of an existing server, or [pgx.ErrNoRows].
func Options(ctx context.Context, q Querier, name string) (map[string]string, error) {
	rows, err := q.Query(ctx, `
		SELECT coalesce(o.option_name, ''), coalesce(o.option_value, '')
		FROM pg_catalog.pg_foreign_server s
		LEFT JOIN LATERAL pg_catalog.pg_options_to_table(s.srvoptions) o ON true
		WHERE s.srvname = $1`, name)
	if err != nil {
		return nil, fmt.Errorf("read options of server %s: %w", name, err)
	}
	options := map[string]string{}
	var option, value string
	tag, err := pgx.ForEachRow(rows, []any{&option, &value}, func() error {
		options[option] = value
		return nil
	})
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return nil, fmt.Errorf("read options of server %s: %w", name, err)
	}
	delete(options, "") // a server without options
	return options, nil
}

// run runs steps of which the caller says what they were for.
func run(ctx context.Context, tx pgx.Tx, steps []plan.Step) error {
	err := plan.Run(ctx, tx, steps)
	if failed, ok := errors.AsType[*plan.StepError](err); ok {
		return failed.Err
	}
	return err
}

func execAll(ctx context.Context, q Querier, statements []string) error {
	for _, statement := range statements {
		if _, err := q.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
