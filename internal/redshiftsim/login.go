package redshiftsim

import (
	"context"
	"crypto/md5" //nolint:gosec // the protocol's own password hash
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// login is a connection until it is a session: TLS, startup packet, password.
type login struct {
	server *Server
	raw    net.Conn
	conn   net.Conn // raw, or TLS over it
	client *pgproto3.Backend
	user   string
}

var errRefused = errors.New("login refused")

// run returns the session, or nil when the connection came to its end before.
func (l *login) run(ctx context.Context) *session {
	l.conn = l.raw
	l.client = pgproto3.NewBackend(l.conn, l.conn)
	if l.server.faults.pass(ctx) != nil {
		return nil
	}
	startup, err := l.negotiate(ctx)
	if err != nil || startup == nil {
		return nil
	}
	ses, err := l.open(ctx, startup)
	if err != nil {
		return nil
	}
	return ses
}

// negotiate answers what comes before the startup packet. It returns nil for a connection that only cancels.
func (l *login) negotiate(ctx context.Context) (*pgproto3.StartupMessage, error) {
	for {
		message, err := l.client.ReceiveStartupMessage()
		if err != nil {
			return nil, err
		}
		if err := l.server.faults.pass(ctx); err != nil {
			return nil, err
		}
		switch message := message.(type) {
		case *pgproto3.SSLRequest:
			if err := l.encrypt(ctx); err != nil {
				return nil, err
			}
		case *pgproto3.GSSEncRequest:
			if _, err := l.conn.Write([]byte{'N'}); err != nil {
				return nil, err
			}
		case *pgproto3.CancelRequest:
			if ses := l.server.find(message.ProcessID, binary.BigEndian.Uint32(message.SecretKey)); ses != nil {
				ses.cancelRequested(ctx)
			}
			return nil, nil
		case *pgproto3.StartupMessage:
			return message, nil
		}
	}
}

func (l *login) encrypt(ctx context.Context) error {
	if _, err := l.conn.Write([]byte{'S'}); err != nil {
		return err
	}
	conn := tls.Server(l.raw, l.server.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	l.conn = conn
	l.client = pgproto3.NewBackend(conn, conn)
	return nil
}

// open checks who asks for what, connects to the engine, and says welcome.
func (l *login) open(ctx context.Context, startup *pgproto3.StartupMessage) (*session, error) {
	l.user = startup.Parameters["user"]
	database := startup.Parameters["database"]
	if l.conn == l.raw && !l.server.cfg.AllowPlain {
		return nil, l.refuse(EngineError{Code: "28000", Message: fmt.Sprintf(
			`no pg_hba.conf entry for host "%s", user "%s", database "%s", SSL off`, l.peer(), l.user, database)})
	}
	if startup.ProtocolVersion != pgproto3.ProtocolVersion30 {
		l.client.Send(&pgproto3.NegotiateProtocolVersion{})
	}
	if err := l.authenticate(); err != nil {
		return nil, err
	}
	if database != l.server.engine.Database && database != l.server.cfg.Database {
		return nil, l.refuse(EngineError{Code: "3D000", Message: `database "` + database + `" does not exist`})
	}
	settings, refusal := startupSettings(startup.Parameters)
	if refusal != nil {
		return nil, l.refuse(*refusal)
	}
	ses := newSession(l, startup.Parameters, settings)
	statuses, err := l.connect(ctx, ses, settings)
	if err != nil {
		return nil, err
	}
	if full := l.server.join(ses); full != nil {
		_ = ses.engineConn.Close() // nothing was done on it
		return nil, l.refuse(*full)
	}
	// A client that is gone by now is noticed by the session's first read.
	_ = l.welcome(statuses, ses)
	return ses, nil
}

func (l *login) peer() string {
	host, _, _ := net.SplitHostPort(l.raw.RemoteAddr().String()) // a TCP address always splits
	return host
}

// authenticate asks for the password, known or unknown user alike.
func (l *login) authenticate() error {
	var salt [4]byte
	_, _ = rand.Read(salt[:]) // never fails, says crypto/rand
	l.client.Send(&pgproto3.AuthenticationMD5Password{Salt: salt})
	if err := errors.Join(l.client.SetAuthType(pgproto3.AuthTypeMD5Password), l.client.Flush()); err != nil {
		return err
	}
	message, err := l.client.Receive()
	if err != nil {
		return err
	}
	answer, ok := message.(*pgproto3.PasswordMessage)
	knows := func(password string) bool { return answer.Password == md5Answer(l.user, password, salt) }
	if !ok || !slices.ContainsFunc(l.server.passwordsOf(l.user), knows) {
		return l.refuse(EngineError{
			Code: "28000", Message: `password authentication failed for user "` + l.user + `"`,
		})
	}
	return nil
}

func md5Answer(user, password string, salt [4]byte) string {
	inner := md5.Sum([]byte(password + user))                                  //nolint:gosec // as above
	outer := md5.Sum(append([]byte(hex.EncodeToString(inner[:])), salt[:]...)) //nolint:gosec // as above
	return "md5" + hex.EncodeToString(outer[:])
}

// refuse ends a login with a FATAL message.
func (l *login) refuse(e EngineError) error {
	l.client.Send(e.response("FATAL"))
	return errors.Join(errRefused, l.client.Flush())
}

func (l *login) connect(ctx context.Context, ses *session, settings map[string]string) (map[string]string, error) {
	config := l.server.engine.Copy()
	config.User = role(l.user)
	config.Password = l.server.rolePassword(config.User)
	config.RuntimeParams = settings
	if l.server.probes {
		settings["client_connection_check_interval"] = "500" // a dropped session must not work on for nobody
	}
	engine, err := pgconn.ConnectConfig(ctx, config)
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) {
		return nil, l.refuse(EngineError{Code: pgErr.Code, Message: pgErr.Message, Detail: pgErr.Detail})
	}
	if err != nil {
		return nil, err
	}
	hijacked, err := engine.Hijack()
	if err != nil {
		return nil, err
	}
	ses.engineConn, ses.engine = hijacked.Conn, hijacked.Frontend
	ses.pid, ses.cancelEngine = hijacked.PID, engine.CancelRequest
	var key [4]byte
	_, _ = rand.Read(key[:]) // never fails, says crypto/rand
	ses.key = binary.BigEndian.Uint32(key[:])
	return hijacked.ParameterStatuses, nil
}

// welcome tells the client what a Redshift cluster tells, and nothing more.
func (l *login) welcome(engine map[string]string, ses *session) error {
	application := engine["application_name"]
	if application == "" {
		application = "unset"
	}
	l.client.Send(&pgproto3.AuthenticationOk{})
	for _, status := range [][2]string{
		{"server_version", "8.0.2"},
		{"server_encoding", "UNICODE"},
		{"client_encoding", ses.encoding},
		{"application_name", application},
		{"is_superuser", "off"},
		{"session_authorization", l.user},
		{"datestyle", engine["DateStyle"]},
		{"integer_datetimes", "on"},
		{"TimeZone", engine["TimeZone"]},
		{"timezone_abbreviations", ""},
		{"case_sensitive", "off"},
		{"datashare_enabled", "on"},
		{"external_database", "off"},
		{"max_numeric_precision", "38"},
		{"max_varchar_size", "65535"},
		{"padb_revision", "75379"},
		{"padb_version", "1.0.75379"},
		{"server_protocol_version", "0"},
		{"session_id", fmt.Sprint(ses.pid)},
	} {
		l.client.Send(&pgproto3.ParameterStatus{Name: status[0], Value: status[1]})
	}
	l.client.Send(&pgproto3.BackendKeyData{ProcessID: ses.pid, SecretKey: binary.BigEndian.AppendUint32(nil, ses.key)})
	l.client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	return l.client.Flush()
}

// askedEncoding is the name under which the encoding is announced: an old alias unless the client asked for UTF8.
func askedEncoding(parameters map[string]string) string {
	asked, ok := parameters["client_encoding"]
	if !ok {
		asked = splitOptions(parameters["options"])["client_encoding"]
	}
	if asked = strings.Trim(strings.ToUpper(asked), `'"`); asked != "" && asked != "UNICODE" {
		return asked
	}
	return "UNICODE"
}
