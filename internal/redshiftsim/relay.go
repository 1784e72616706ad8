package redshiftsim

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// reply is one answer that the engine owes.
type reply struct {
	kind   replyKind
	portal string // whose rows are executed or described
	hidden bool   // the client did not ask, so it must not see the answer

	asked, sent string // a text as the client has sent it, and as the engine has got it
}

type replyKind int

const (
	owesQuery replyKind = iota
	owesSync
	owesParse
	owesBind
	owesDescribe
	owesExecute
	owesClose
)

// relay hands the engine's answers to the client until either is gone.
func (ses *session) relay(ctx context.Context) {
	defer func() {
		ses.mu.Lock()
		ses.ended = true
		ses.changed.Broadcast()
		ses.server.log.finish(ses.unfinished)
		ses.mu.Unlock()
	}()
	for {
		message, err := ses.engine.Receive()
		if err != nil {
			ses.toClient.Lock()
			_ = ses.client.Flush() // the goodbye of an engine that was told to end the session
			ses.toClient.Unlock()
			return
		}
		if ses.server.faults.pass(ctx) != nil || ses.deliver(ctx, message) != nil {
			return
		}
	}
}

// mostUnsent is how many messages are sent on together. What is waiting to be read may be a part of a message whose rest
// comes late, and must not keep the others back.
const mostUnsent = 256

// deliver translates one message and sends it on, at the latest when no more is waiting to be read.
func (ses *session) deliver(ctx context.Context, message pgproto3.BackendMessage) error {
	if row, ok := message.(*pgproto3.DataRow); ok && !ses.head().hidden {
		admitted, err := ses.admitRow(ctx)
		if err != nil || !admitted {
			return err
		}
		ses.translateRow(row)
	} else {
		ses.rows = 0
	}
	translated := ses.translate(message)
	ses.toClient.Lock()
	defer ses.toClient.Unlock()
	for _, message := range translated {
		ses.client.Send(message)
	}
	if ready, ok := message.(*pgproto3.ReadyForQuery); ok {
		// The client may speak again as soon as it has read this, so the books are closed before.
		ses.settled(ready.TxStatus)
	}
	if ses.unsent++; ses.engine.ReadBufferLen() > 0 && ses.unsent < mostUnsent {
		return nil
	}
	ses.unsent = 0
	return ses.client.Flush()
}

// admitRow applies the faults that concern rows, and reports whether the row may be sent.
func (ses *session) admitRow(ctx context.Context) (bool, error) {
	if ses.server.faults.cuts(ses.rows) {
		ses.toClient.Lock()
		defer ses.toClient.Unlock()
		_ = ses.client.Flush() // the rows before the cut arrive
		return false, errClosed
	}
	if ses.aborted == nil {
		if ses.aborted = ses.server.faults.aborts(ses.rows); ses.aborted != nil {
			ses.cancel(ctx)
		} else if ses.server.faults.pace() > 0 && ses.isCancelled() {
			ses.aborted = &EngineError{Code: "57014", Message: ses.cancelText()}
		}
	}
	if ses.aborted != nil {
		return false, nil
	}
	ses.rows++
	return true, ses.pace(ctx)
}

// pace waits for the moment when the next row may leave.
func (ses *session) pace(ctx context.Context) error {
	pace := ses.server.faults.pace()
	if pace == 0 {
		return nil
	}
	now := time.Now()
	if ses.due.Before(now) {
		ses.due = now
	}
	ses.due = ses.due.Add(pace)
	const unnoticed = 5 * time.Millisecond
	if ses.due.Sub(now) < unnoticed {
		return nil
	}
	ses.toClient.Lock()
	err := ses.client.Flush()
	ses.toClient.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-time.After(ses.due.Sub(now)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// translate turns one message of the engine into what Redshift would say, which may be nothing.
func (ses *session) translate(message pgproto3.BackendMessage) []pgproto3.BackendMessage {
	head := ses.head()
	switch message := message.(type) {
	case *pgproto3.ParameterStatus:
		return ses.translateStatus(message)
	case *pgproto3.NotificationResponse, *pgproto3.BackendKeyData:
		return nil
	case *pgproto3.NoticeResponse:
		if head.hidden {
			return nil
		}
		return []pgproto3.BackendMessage{(*pgproto3.NoticeResponse)(plain((*pgproto3.ErrorResponse)(message)))}
	case *pgproto3.ErrorResponse:
		return ses.translateError(message, head)
	case *pgproto3.ParameterDescription:
		message.ParameterOIDs = ses.server.types.toClient(message.ParameterOIDs)
	case *pgproto3.RowDescription:
		ses.describe(message, head)
	case *pgproto3.CommandComplete:
		ses.noteCursor(string(message.CommandTag))
		if ses.aborted != nil { // the engine was done before it could be cancelled
			ses.pop(message, head)
			return ses.exchange(&pgproto3.ErrorResponse{})
		}
	}
	ses.pop(message, head)
	if head.hidden {
		return nil
	}
	return []pgproto3.BackendMessage{message}
}

// describe remembers what the coming rows look like and gives the client Redshift's names of the types.
func (ses *session) describe(message *pgproto3.RowDescription, head reply) {
	fields := make([]field, len(message.Fields))
	for i := range message.Fields {
		described := &message.Fields[i]
		fields[i] = ses.server.types.field(described)
		name := strings.TrimPrefix(string(described.Name), ownPrefix) // of a setting that is shown
		described.Name = []byte(ses.server.names.restore(name))
	}
	if head.hidden {
		ses.portals[head.portal] = fields
	} else if head.kind == owesQuery {
		ses.fields = fields
	}
}

var announced = map[string]string{
	"DateStyle": "datestyle", "TimeZone": "TimeZone", "application_name": "application_name",
	"client_encoding": "client_encoding", "session_authorization": "session_authorization",
}

// translateStatus lets only those settings through that a cluster announces.
func (ses *session) translateStatus(message *pgproto3.ParameterStatus) []pgproto3.BackendMessage {
	name, ok := announced[message.Name]
	if !ok {
		return nil
	}
	return []pgproto3.BackendMessage{&pgproto3.ParameterStatus{Name: name, Value: message.Value}}
}

func (ses *session) translateError(message *pgproto3.ErrorResponse, head reply) []pgproto3.BackendMessage {
	messages := ses.exchange(message)
	failed := messages[len(messages)-1].(*pgproto3.ErrorResponse)
	if failed.Code == codeSyntax { // 8.0 has no place of any other error
		failed.Position = placeIn(head.asked, head.sent, message.Position)
	}
	ses.mu.Lock()
	defer ses.mu.Unlock()
	for _, entry := range ses.unfinished {
		ses.server.log.fail(entry, failed.Message)
	}
	if head.kind != owesQuery {
		for len(ses.owed) > 0 && ses.owed[0].kind != owesSync { // the engine skips these
			ses.owed = ses.owed[1:]
		}
	}
	if head.hidden && head.kind == owesQuery {
		ses.hiddenErr = failed
		return nil
	}
	return messages
}

// head is the answer that the engine is giving now.
func (ses *session) head() reply {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	if len(ses.owed) == 0 {
		return reply{}
	}
	return ses.owed[0]
}

// pop takes the head off the list when the message completes it. [session.settled] does so for whole groups.
func (ses *session) pop(message pgproto3.BackendMessage, head reply) {
	var completes bool
	switch message.(type) {
	case *pgproto3.ParseComplete:
		completes = head.kind == owesParse
	case *pgproto3.BindComplete:
		completes = head.kind == owesBind
	case *pgproto3.RowDescription, *pgproto3.NoData:
		completes = head.kind == owesDescribe
	case *pgproto3.CommandComplete, *pgproto3.EmptyQueryResponse, *pgproto3.PortalSuspended:
		completes = head.kind == owesExecute
	case *pgproto3.CloseComplete:
		completes = head.kind == owesClose
	}
	if !completes {
		return
	}
	ses.mu.Lock()
	defer ses.mu.Unlock()
	ses.owed = ses.owed[1:]
}

func (ses *session) isCancelled() bool {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	return ses.cancelled
}

// settled closes a simple query or a group of the extended protocol.
func (ses *session) settled(status byte) {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	if len(ses.owed) > 0 {
		ses.owed = ses.owed[1:]
	}
	ses.tx = status
	ses.cancelled = false
	if status == 'I' {
		ses.cursor = false
	}
	ses.server.log.finish(ses.unfinished)
	ses.unfinished = ses.unfinished[:0]
	ses.changed.Broadcast()
}

func (ses *session) noteCursor(tag string) {
	if tag != "DECLARE CURSOR" && tag != "CLOSE CURSOR" {
		return
	}
	ses.mu.Lock()
	defer ses.mu.Unlock()
	ses.cursor = tag == "DECLARE CURSOR"
}
