package redshiftsim

import (
	"slices"
	"sync"
	"time"
)

// Statement is one text that a client sent: a simple query, or the text of a prepared statement.
type Statement struct {
	Session     int // counts the logins of the stand-in from 1
	User        string
	Application string
	QueryGroup  string
	SQL         string
	Start       time.Time
	End         time.Time // zero while it runs
	Err         string    // the error's text; empty when there was none
}

// logSize bounds the log; the oldest statements go first.
const logSize = 10_000

type statementLog struct {
	mu      sync.Mutex
	entries []*Statement
}

// Statements returns the last 10,000 texts that clients sent, oldest first.
func (s *Server) Statements() []Statement {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	copied := make([]Statement, len(s.log.entries))
	for i, entry := range s.log.entries {
		copied[i] = *entry
	}
	return copied
}

func (l *statementLog) add(entry Statement) *Statement {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) >= logSize {
		l.entries = slices.Delete(l.entries, 0, logSize/10)
	}
	l.entries = append(l.entries, &entry)
	return &entry
}

func (l *statementLog) fail(entry *Statement, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if entry.Err == "" {
		entry.Err = text
	}
}

func (l *statementLog) resume(entry *Statement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.End = time.Time{}
}

func (l *statementLog) finish(entries []*Statement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, entry := range entries {
		entry.End = now
	}
}
