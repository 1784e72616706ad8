package refresh

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// outOfReach remembers which links this process could not reach itself, so that not each refresh waits for a timeout
// before it takes the other transport.
type outOfReach struct {
	mu    sync.Mutex
	links map[int32]blocked
}

type blocked struct {
	until time.Time
	cause error
}

// tryAgain is how long a link that could not be reached is left alone.
const tryAgain = 5 * time.Minute

func (o *outOfReach) cause(linkID int32) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if b, found := o.links[linkID]; found && time.Now().Before(b.until) {
		return b.cause
	}
	return nil
}

func (o *outOfReach) remember(linkID int32, cause error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.links == nil {
		o.links = map[int32]blocked{}
	}
	o.links[linkID] = blocked{time.Now().Add(tryAgain), cause}
}

func (o *outOfReach) forget(linkID int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.links, linkID)
}

// open opens the session that all members of the job share.
func (r *Runner) open(ctx context.Context, j *job) (err error) {
	wanted, err := j.wantedTransport()
	if err != nil {
		return err
	}
	link := j.works[0].view.Link
	if wanted == catalog.AutoTransport {
		cause := r.outOfReach.cause(link.ID)
		if cause == nil {
			j.source, cause = r.openStream(ctx, j)
		}
		if cause == nil || !session.Unreachable(cause) || ctx.Err() != nil {
			return cause
		}
		r.outOfReach.remember(link.ID, cause)
		j.remark(fmt.Errorf("transport dblink: this process does not reach Redshift: %w", cause))
		wanted = catalog.DblinkTransport
	}
	if wanted == catalog.StreamTransport {
		j.source, err = r.openStream(ctx, j)
	} else {
		j.source, err = r.openDblink(ctx, j)
	}
	return err
}

// wantedTransport is the one that suits all members: they are read through one session. What is left open is auto.
func (j *job) wantedTransport() (catalog.Transport, error) {
	var dblinkOnly, streamOnly *work
	few := true
	for _, w := range j.works {
		switch {
		case w.view.Materialized(), w.view.Transport == catalog.DblinkTransport:
			dblinkOnly = w
		case w.view.Transport == catalog.StreamTransport:
			streamOnly = w
		}
		few = few && !w.whole && w.tail <= fewRows
	}
	switch {
	case dblinkOnly != nil && streamOnly != nil:
		return "", &catalog.InvalidError{
			What:    "view " + streamOnly.view.Name.String(),
			Problem: fmt.Sprintf("its transport is stream, and %s of its group can only be read through dblink", dblinkOnly.view.Name),
			Fix:     "choose --transport auto, or another group",
		}
	case streamOnly != nil:
		return catalog.StreamTransport, nil
	case dblinkOnly != nil, few: // for few rows, a second login costs more than it brings
		return catalog.DblinkTransport, nil
	}
	return catalog.AutoTransport, nil
}

// settings are what the session asks of Redshift.
func (j *job) settings(ctx context.Context) redshift.Settings {
	return redshift.Settings{QueryGroup: "redcache " + j.title(), StatementTimeout: timeLeft(ctx, j.timeout())}
}

// openDblink opens the session in the backend of the transaction. Whether this database has what links need is looked
// up once; an error makes it looked up again.
func (r *Runner) openDblink(ctx context.Context, j *job) (source, error) {
	var known string
	if schema := r.schema.Load(); schema != nil {
		known = *schema
	}
	remote, err := dblink.OpenIn(ctx, j.tx, known, j.works[0].view.Link.Server().Name, j.settings(ctx))
	if err != nil {
		r.schema.Store(nil)
		return nil, explainRemote(j.works[0].view, err)
	}
	schema := remote.Schema()
	r.schema.Store(&schema)
	return dblinkSource{remote, r.pool}, nil
}

// openStream opens a session of this process's own, with the login that the link has.
func (r *Runner) openStream(ctx context.Context, j *job) (source, error) {
	server := j.works[0].view.Link.Server()
	user, password, err := dblink.Login(ctx, j.tx, server.Name)
	if err != nil {
		return nil, err
	}
	address, err := dblink.Options(ctx, j.tx, server.Name) // what dblink goes by, also after an ALTER SERVER
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(address["port"])
	if err != nil {
		return nil, fmt.Errorf("read port of server %s: %w", server.Name, err)
	}
	prepare, err := j.settings(ctx).SQL()
	if err != nil {
		return nil, err
	}
	config := session.Config{
		Host: address["host"], HostAddr: address["hostaddr"], Port: port, Database: address["dbname"], User: user,
		Password: password, SSLMode: address["sslmode"], SSLRootCert: address["sslrootcert"], ApplicationName: "redcache",
		Prepare: prepare,
	}
	direct, err := session.Open(ctx, config)
	if err != nil {
		return nil, explainRemote(j.works[0].view, err)
	}
	if err := j.awaitRows(ctx); err != nil {
		_ = direct.Close(ctx)
		return nil, err
	}
	another := func(ctx context.Context) (*session.Session, error) { return session.Open(ctx, config) }
	return streamSource{direct, another}, nil
}

// awaitRows lets the transaction be idle for as long as Redshift computes, when it is this process that waits for it.
// What else bounded the time for which a lost network could keep the locks is the server's own look at the connection
// then; PostgreSQL ignores these settings for a Unix socket (documentation of tcp_keepalives_idle).
func (j *job) awaitRows(ctx context.Context) error {
	_, err := j.tx.Exec(ctx, `
		SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', $1, true),
		       pg_catalog.set_config('tcp_keepalives_idle', '15', true),
		       pg_catalog.set_config('tcp_keepalives_interval', '5', true),
		       pg_catalog.set_config('tcp_keepalives_count', '4', true)`,
		fmt.Sprintf("%dms", timeLeft(ctx, j.timeout()+2*silence).Milliseconds()))
	return wrap(err, "set limits")
}

// noteOpening reads the clock before the remote side is asked for its own, where the two have to be held against each other.
func (j *job) noteOpening(ctx context.Context) (err error) {
	if slices.ContainsFunc(j.works, func(w *work) bool { return w.view.SafetyLag > 0 }) {
		j.opened, err = j.clock(ctx)
	}
	return err
}

// clock is this database's. Read before the remote side is, it is a moment whose remote commits are all seen.
func (j *job) clock(ctx context.Context) (now time.Time, err error) {
	err = j.tx.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(&now)
	return now, wrap(err, "read clock")
}

// timeout is the longest of the members'.
func (j *job) timeout() time.Duration {
	longest := slices.MaxFunc(j.works, func(a, b *work) int { return int(a.view.Timeout - b.view.Timeout) })
	return longest.view.Timeout
}

// title names the job in Redshift's query history: by its view, or by its group.
func (j *job) title() string {
	if len(j.works) > 1 {
		return "group " + j.works[0].view.Group
	}
	return j.works[0].view.Name.String()
}
