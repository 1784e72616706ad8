package awssim

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/redcache/redcache/internal/pgtest"
)

// Database is an RDS instance with IAM authentication: a door in front of a real server that takes TLS only, asks for a
// password in the clear, and lets in who brings a token that was signed for this very host, port and user less than 15
// minutes ago.
type Database struct {
	Host   string
	Port   int
	CACert string // path of a PEM file, for sslrootcert

	cluster  *pgtest.Cluster
	users    map[string]string
	listener net.Listener
	tls      *tls.Config
	tasks    sync.WaitGroup
	mu       sync.Mutex
	tokens   []string
	conns    []net.Conn
}

// Database opens a door in front of a server, for users that have these passwords behind it, until the test ends.
func (a *AWS) Database(t testing.TB, cluster *pgtest.Cluster, users map[string]string) *Database {
	t.Helper()
	certified := httptest.NewUnstartedServer(nil) // for its certificate, which is good for 127.0.0.1
	certified.StartTLS()
	certificate := certified.TLS.Certificates[0]
	certified.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	d := &Database{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, CACert: filepath.Join(t.TempDir(), "ca.pem"),
		cluster: cluster, users: maps.Clone(users), listener: listener,
		tls: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	if err := os.WriteFile(d.CACert, text, 0o600); err != nil {
		t.Fatal(err)
	}
	d.tasks.Go(d.accept)
	t.Cleanup(d.close)
	return d
}

// URL is a connection URL without a password that verifies the certificate in full.
func (d *Database) URL(database, user string) string {
	u := url.URL{
		Scheme: "postgres", Host: net.JoinHostPort(d.Host, strconv.Itoa(d.Port)), Path: "/" + database, User: url.User(user),
		RawQuery: url.Values{"sslmode": {"verify-full"}, "sslrootcert": {d.CACert}}.Encode(),
	}
	return u.String()
}

// Tokens lists what clients brought as passwords, good or not.
func (d *Database) Tokens() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.tokens...)
}

func (d *Database) close() {
	_ = d.listener.Close()
	d.mu.Lock()
	for _, conn := range d.conns {
		_ = conn.Close()
	}
	d.mu.Unlock()
	d.tasks.Wait()
}

func (d *Database) accept() {
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return
		}
		d.keep(conn)
		d.tasks.Go(func() {
			defer conn.Close()
			d.serve(conn)
		})
	}
}

func (d *Database) keep(conn net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns = append(d.conns, conn)
}

// serve takes one connection through TLS and login, and then relays it.
func (d *Database) serve(raw net.Conn) {
	plain := pgproto3.NewBackend(raw, raw)
	first, err := plain.ReceiveStartupMessage()
	if err != nil {
		return
	}
	if _, ok := first.(*pgproto3.SSLRequest); !ok {
		refuseLogin(plain, "28000", "no pg_hba.conf entry for host \"127.0.0.1\", no encryption")
		return
	}
	if _, err := raw.Write([]byte{'S'}); err != nil {
		return
	}
	conn := tls.Server(raw, d.tls)
	client := pgproto3.NewBackend(conn, conn)
	message, err := client.ReceiveStartupMessage()
	if err != nil {
		return
	}
	switch message := message.(type) {
	case *pgproto3.CancelRequest:
		d.cancel(message)
	case *pgproto3.StartupMessage:
		if server := d.login(client, message); server != nil {
			d.relay(conn, server)
		}
	}
}

func refuseLogin(client *pgproto3.Backend, code, text string) {
	client.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: text})
	_ = client.Flush()
}

// cancel passes a request to cancel on to the server.
func (d *Database) cancel(request *pgproto3.CancelRequest) {
	server, err := net.Dial("tcp", net.JoinHostPort(d.cluster.Host, strconv.Itoa(d.cluster.Port)))
	if err != nil {
		return
	}
	defer server.Close()
	packet, err := request.Encode(nil)
	if err != nil {
		return
	}
	_, _ = server.Write(packet)
	_, _ = io.Copy(io.Discard, server) // it hangs up when the request was noted
}

// login returns the session behind the door, or nil when there is none.
func (d *Database) login(client *pgproto3.Backend, startup *pgproto3.StartupMessage) *pgconn.HijackedConn {
	user := startup.Parameters["user"]
	client.Send(&pgproto3.AuthenticationCleartextPassword{})
	if client.Flush() != nil || client.SetAuthType(pgproto3.AuthTypeCleartextPassword) != nil {
		return nil
	}
	message, err := client.Receive()
	if err != nil {
		return nil
	}
	brought, ok := message.(*pgproto3.PasswordMessage)
	password, known := d.users[user]
	if !ok || !known || !d.good(brought.Password, user) {
		refuseLogin(client, "28000", `PAM authentication failed for user "`+user+`"`)
		return nil
	}
	server, err := d.open(startup, password)
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		refuseLogin(client, refused.Code, refused.Message)
		return nil
	}
	if err != nil {
		return nil
	}
	d.keep(server.Conn)
	client.Send(&pgproto3.AuthenticationOk{})
	for name, value := range server.ParameterStatuses {
		client.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	client.Send(&pgproto3.BackendKeyData{ProcessID: server.PID, SecretKey: server.SecretKey})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if client.Flush() != nil {
		return nil
	}
	return server
}

// open starts the session behind the door with what the client asked for.
func (d *Database) open(startup *pgproto3.StartupMessage, password string) (*pgconn.HijackedConn, error) {
	user, database := startup.Parameters["user"], startup.Parameters["database"]
	config, err := pgconn.ParseConfig(d.cluster.URL(database, user, password))
	if err != nil {
		return nil, err
	}
	for name, value := range startup.Parameters {
		if name != "user" && name != "database" {
			config.RuntimeParams[name] = value
		}
	}
	conn, err := pgconn.ConnectConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	return conn.Hijack()
}

func (d *Database) relay(client net.Conn, server *pgconn.HijackedConn) {
	defer server.Conn.Close()
	d.tasks.Go(func() {
		defer client.Close()
		_, _ = io.Copy(client, server.Conn)
	})
	_, _ = io.Copy(server.Conn, client)
}
