package dblink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/sql"
)

// Querier is what a connection, a pool and a transaction of pgx have in common.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// maxIdent is PostgreSQL's limit of a name, in bytes.
const maxIdent = 63

const (
	defaultPort           = 5439
	defaultConnectTimeout = 10 * time.Second
	defaultSSLMode        = "require"
	defaultApplication    = "redcache"
)

var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// Server is a foreign server that points at Redshift. Its password is no part of it: see [SetPassword].
type Server struct {
	Name            string
	Host            string        // what the certificate is checked against
	HostAddr        string        // the address to connect to when Host does not resolve to it; empty means resolve Host
	Port            int           // 0 means 5439
	Database        string        // required
	User            string        // the login on Redshift; goes into the user mapping
	SSLMode         string        // a libpq sslmode; empty means require
	SSLRootCert     string        // a file on the PostgreSQL server; needed by verify-ca and verify-full
	ConnectTimeout  time.Duration // whole seconds, at least 2 s as libpq does; 0 means 10 s
	ApplicationName string        // empty means redcache
}

// Validate names the first field that PostgreSQL or libpq would not take.
func (s Server) Validate() error {
	for _, field := range []struct{ name, value string }{
		{"server name", s.Name},
		{"host", s.Host},
		{"host address", s.HostAddr},
		{"database", s.Database},
		{"user", s.User},
		{"root certificate", s.SSLRootCert},
		{"application name", s.ApplicationName},
	} {
		if strings.Contains(field.value, "\x00") || !utf8.ValidString(field.value) {
			return fmt.Errorf("%s is not valid text", field.name)
		}
	}
	switch {
	case s.Name == "":
		return errors.New("server name is empty")
	case len(s.Name) > maxIdent:
		return fmt.Errorf("server name %q is longer than %d bytes", s.Name, maxIdent)
	case s.Host == "" && s.HostAddr == "":
		return errors.New("host is empty")
	case s.Database == "":
		return errors.New("database is empty")
	case s.User == "":
		return errors.New("user is empty")
	case s.Port < 0 || s.Port > 65535:
		return fmt.Errorf("port %d is not between 1 and 65535", s.Port)
	case s.SSLMode != "" && !slices.Contains(sslModes, s.SSLMode):
		return fmt.Errorf("sslmode %q is none of %s", s.SSLMode, strings.Join(sslModes, ", "))
	case s.ConnectTimeout < 0:
		return fmt.Errorf("connect timeout %s is negative", s.ConnectTimeout)
	case strings.ContainsAny(s.Host, ",/"):
		return fmt.Errorf("host %q is not one host name", s.Host)
	}
	if s.HostAddr != "" {
		if _, err := netip.ParseAddr(s.HostAddr); err != nil {
			return fmt.Errorf("host address %q is not an IP address", s.HostAddr)
		}
	}
	return nil
}

// options are the libpq options of the foreign server; PostgreSQL 13 takes all of them.
func (s Server) options() map[string]string {
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

// CreateSQL returns the statements that make the server, without its user mapping: see [SetPassword].
func (s Server) CreateSQL() []string {
	return []string{fmt.Sprintf("CREATE SERVER %s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (%s)",
		sql.Ident(s.Name), optionList("", s.options()))}
}

// AlterSQL returns the statements that turn a server with the current options, as [Options] returns them, into this
// one. There are none when nothing differs.
func (s Server) AlterSQL(current map[string]string) []string {
	return alterOptions(s.Name, current, s.options())
}

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

// DropSQL returns the statements that remove a server and the current role's user mapping, as far as they are there.
func DropSQL(name string) []string {
	return []string{
		"DROP USER MAPPING IF EXISTS FOR CURRENT_USER SERVER " + sql.Ident(name),
		"DROP SERVER IF EXISTS " + sql.Ident(name),
	}
}

func optionList(verb string, options map[string]string) string {
	list := make([]string, 0, len(options))
	for _, name := range slices.Sorted(maps.Keys(options)) {
		list = append(list, verb+sql.Ident(name)+" "+sql.Literal(options[name]))
	}
	return strings.Join(list, ", ")
}

// Create makes the server and the current role's user mapping. Nothing is sent to Redshift.
func Create(ctx context.Context, tx pgx.Tx, s Server, password string) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("create server: %w", err)
	}
	if err := execAll(ctx, tx, s.CreateSQL()); err != nil {
		return fmt.Errorf("create server %s: %w", s.Name, err)
	}
	return SetPassword(ctx, tx, s.Name, s.User, password)
}

// Alter gives an existing server the options of s.
func Alter(ctx context.Context, tx pgx.Tx, s Server) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("alter server: %w", err)
	}
	current, err := Options(ctx, tx, s.Name)
	if err != nil {
		return err
	}
	if err := execAll(ctx, tx, s.AlterSQL(current)); err != nil {
		return fmt.Errorf("alter server %s: %w", s.Name, err)
	}
	return nil
}

// Drop removes the server and the current role's user mapping. It fails when anything else depends on the server.
func Drop(ctx context.Context, tx pgx.Tx, name string) error {
	if err := execAll(ctx, tx, DropSQL(name)); err != nil {
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

func execAll(ctx context.Context, q Querier, statements []string) error {
	for _, statement := range statements {
		if _, err := q.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
