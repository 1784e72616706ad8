package redshiftsim

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// session is one login. Two goroutines work on it: run takes what the client sends, checks and rewrites it, and hands
// it to the engine; relay takes what the engine answers, translates it, and hands it to the client.
type session struct {
	id          int
	server      *Server
	user        string
	application string
	encoding    string
	raw         net.Conn
	conn        net.Conn // raw, or TLS over it
	client      *pgproto3.Backend

	engine       *pgproto3.Frontend
	engineConn   net.Conn
	cancelEngine func(context.Context) error
	pid, key     uint32

	toClient sync.Mutex // guards sending to the client

	mu         sync.Mutex
	changed    *sync.Cond // on mu: owed or ended changed
	owed       []reply    // what the engine has yet to answer, in order
	ended      bool       // the engine is gone
	tx         byte       // transaction status of the last ReadyForQuery
	cursor     bool       // a cursor is open
	cancelled  bool       // a cancel request came for what the engine owes
	hiddenErr  *pgproto3.ErrorResponse
	refusals   map[string]EngineError // by the name of the relation that provokes them
	refused    int                    // how many there ever were
	unfinished []*Statement

	floats floatDigits

	// Of run only.
	inGroup       bool // messages were sent since the last Sync
	skipping      bool // until Sync, after an error of the stand-in itself
	queryGroup    string
	caseSensitive bool
	texts         map[string]*Statement // by the name of the prepared statement
	bound         map[string]string     // the prepared statement of each portal

	// Of relay only.
	fields  []field
	portals map[string][]field
	unsent  int          // messages since the client got any
	rows    int          // of the present result
	due     time.Time    // when the next row may leave, under Throttle
	aborted *EngineError // in which the present result ends; its other rows are left out
}

func newSession(l *login, parameters, settings map[string]string) *session {
	ses := &session{
		server: l.server, user: l.user, application: parameters["application_name"],
		encoding: askedEncoding(parameters), raw: l.raw, conn: l.conn, client: l.client,
		tx: 'I', refusals: map[string]EngineError{}, portals: map[string][]field{},
		texts: map[string]*Statement{}, bound: map[string]string{},
		queryGroup:    settings[ownPrefix+"query_group"],
		caseSensitive: isOn(settings[ownPrefix+"enable_case_sensitive_identifier"]),
	}
	ses.changed = sync.NewCond(&ses.mu)
	ses.floats.set(settings["extra_float_digits"])
	return ses
}

// run serves the client until either side ends the session.
func (ses *session) run(parent context.Context) {
	ctx, cancel := context.WithCancel(parent)
	closeBoth := context.AfterFunc(ctx, func() {
		_ = ses.raw.Close()
		_ = ses.engineConn.Close()
	})
	var relaying sync.WaitGroup
	relaying.Go(func() {
		defer cancel()
		ses.relay(ctx)
	})
	for {
		message, err := ses.client.Receive()
		if err != nil || ses.server.faults.pass(ctx) != nil || ses.take(ctx, message) != nil {
			break
		}
	}
	ses.abandon(parent)
	closeBoth() // is not to run twice
	cancel()
	_ = ses.raw.Close()
	_ = ses.engineConn.Close()
	relaying.Wait()
}

// abandon ends what the engine still does for a client that is gone.
func (ses *session) abandon(ctx context.Context) {
	ses.mu.Lock()
	busy := len(ses.owed) > 0 && !ses.ended
	ses.mu.Unlock()
	if busy {
		ses.cancel(ctx)
	}
}

// cancelRequested serves a cancel request. The engine may be done with a result that is still on its slow way to the
// client, which must end too.
func (ses *session) cancelRequested(ctx context.Context) {
	if ses.server.faults.takes() != CancelsObeyed {
		return
	}
	ses.mu.Lock()
	ses.cancelled = len(ses.owed) > 0
	ses.mu.Unlock()
	ses.cancel(ctx)
}

// cancel is what a cancel request does to the engine. It never fails: a request that comes too late has no effect either.
func (ses *session) cancel(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	_ = ses.cancelEngine(ctx)
}

// take handles one message of the client.
func (ses *session) take(ctx context.Context, message pgproto3.FrontendMessage) error {
	switch message := message.(type) {
	case *pgproto3.Terminate:
		return errClosed
	case *pgproto3.Query:
		return ses.takeQuery(message)
	case *pgproto3.Sync:
		return ses.takeSync()
	case *pgproto3.Flush:
		return ses.engine.Flush()
	case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		return nil // left over from a COPY that was refused
	case *pgproto3.Parse, *pgproto3.Bind, *pgproto3.Describe, *pgproto3.Execute, *pgproto3.Close:
		return ses.takeExtended(message)
	}
	return fmt.Errorf("unexpected message %T", message)
}

func (ses *session) takeQuery(message *pgproto3.Query) error {
	if failed := ses.delay(); failed != nil {
		return ses.answer(failed, &pgproto3.ReadyForQuery{TxStatus: ses.status()})
	}
	sql := ses.admit(message.String)
	ses.owe(reply{kind: owesQuery, asked: message.String, sent: sql})
	ses.engine.Send(&pgproto3.Query{String: sql})
	return ses.engine.Flush()
}

func (ses *session) takeSync() error {
	ses.inGroup = false
	if ses.skipping {
		ses.skipping = false
		return ses.answer(&pgproto3.ReadyForQuery{TxStatus: ses.status()})
	}
	ses.owe(reply{kind: owesSync})
	ses.engine.Send(&pgproto3.Sync{})
	return ses.engine.Flush()
}

func (ses *session) takeExtended(message pgproto3.FrontendMessage) error {
	if !ses.inGroup {
		ses.inGroup = true
		ses.settle()
		// Another group goes on with a statement that was delayed before, and that the delay's own would replace.
		if _, first := message.(*pgproto3.Parse); first {
			if failed := ses.delay(); failed != nil {
				ses.skipping = true
				return ses.answer(failed)
			}
		}
	}
	if ses.skipping {
		return nil
	}
	switch message := message.(type) {
	case *pgproto3.Parse:
		sql := ses.admit(message.Query)
		ses.owe(reply{kind: owesParse, asked: message.Query, sent: sql})
		ses.engine.Send(&pgproto3.Parse{
			Name: message.Name, Query: sql,
			ParameterOIDs: ses.server.types.toEngine(message.ParameterOIDs),
		})
		ses.prepared(message.Name)
	case *pgproto3.Bind:
		ses.bound[message.DestinationPortal] = message.PreparedStatement
		// What the portal returns must be known to translate its rows, whether or not the client asks.
		ses.owe(reply{kind: owesBind}, reply{kind: owesDescribe, portal: message.DestinationPortal, hidden: true})
		ses.engine.Send(message)
		ses.engine.Send(&pgproto3.Describe{ObjectType: 'P', Name: message.DestinationPortal})
	case *pgproto3.Describe:
		ses.owe(reply{kind: owesDescribe})
		ses.engine.Send(message)
	case *pgproto3.Execute:
		ses.takeExecute(message)
	case *pgproto3.Close:
		ses.owe(reply{kind: owesClose})
		ses.engine.Send(message)
	}
	return nil
}

// prepared remembers which text of the log a name stands for: the one that was admitted last.
func (ses *session) prepared(name string) {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	ses.texts[name] = ses.unfinished[len(ses.unfinished)-1]
}

// resume makes a text run again in the log that was parsed in an earlier round, and is executed now.
func (ses *session) resume(entry *Statement) {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	if entry == nil || slices.Contains(ses.unfinished, entry) {
		return
	}
	ses.server.log.resume(entry)
	ses.unfinished = append(ses.unfinished, entry)
}

// takeExecute refuses to deliver a result in parts: what comes after the first part fails on a cluster in ways that
// depend on the client.
func (ses *session) takeExecute(message *pgproto3.Execute) {
	ses.resume(ses.texts[ses.bound[message.Portal]])
	ses.owe(reply{kind: owesExecute, portal: message.Portal})
	if message.MaxRows == 0 {
		ses.engine.Send(message)
		return
	}
	ses.engine.Send(&pgproto3.Parse{Query: ses.provoke(EngineError{
		Code: "XX000", Message: "Invalid protocol sequence 'P' while in PortalSuspended state",
	})})
}

// answer sends messages of the stand-in itself; nothing may be owed by the engine.
func (ses *session) answer(messages ...pgproto3.BackendMessage) error {
	ses.toClient.Lock()
	defer ses.toClient.Unlock()
	for _, message := range messages {
		ses.client.Send(message)
	}
	return ses.client.Flush()
}

// delay waits until the engine has answered all, and then for as long as a test wants. The engine itself does that
// waiting, so that all that ends a statement ends it as well. It returns the error that ended it early.
func (ses *session) delay() *pgproto3.ErrorResponse {
	ses.settle()
	d := ses.server.faults.wait()
	if d == 0 || ses.status() == 'E' {
		return nil
	}
	ses.owe(reply{kind: owesQuery, hidden: true})
	ses.engine.Send(&pgproto3.Query{String: fmt.Sprintf("SELECT pg_catalog.pg_sleep(%f)", d.Seconds())})
	if err := ses.engine.Flush(); err != nil {
		return nil // the engine is gone, which relay tells the client
	}
	ses.settle()
	ses.mu.Lock()
	defer ses.mu.Unlock()
	failed := ses.hiddenErr
	ses.hiddenErr = nil
	return failed
}

func (ses *session) status() byte {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	return ses.tx
}

// settle waits until the engine owes nothing, so that what the session knows of its own state is true.
func (ses *session) settle() {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	for len(ses.owed) > 0 && !ses.ended {
		ses.changed.Wait()
	}
}

func (ses *session) owe(replies ...reply) {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	ses.owed = append(ses.owed, replies...)
}
