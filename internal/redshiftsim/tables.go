package redshiftsim

import (
	"fmt"
	"slices"
	"time"
)

// defaultLag is how late a change shows in SHOW TABLES, by the newer of two revisions of the documentation.
const defaultLag = 5 * time.Minute

// tableTimes is how SHOW TABLES tells when tables changed.
type tableTimes struct {
	lag   time.Duration
	older bool // a patch before table_subtype
}

// NoteChangesAfter sets how late a change of a table shows in SHOW TABLES; 0 is at once, 5 minutes are the default.
func (s *Server) NoteChangesAfter(lag time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times.lag = lag
}

// HideTableSubtype makes SHOW TABLES return the columns that it had before patch 197, without table_subtype.
func (s *Server) HideTableSubtype() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times.older = true
}

func (s *Server) tableTimes() tableTimes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.times
}

// showTables reads SHOW TABLES FROM SCHEMA database.schema [LIKE 'pattern'] [LIMIT n] and returns what the engine runs
// instead, "" for other commands.
func (st *statement) showTables() (call string, refusal *EngineError) {
	if !st.reads(0, "show", "tables") {
		return "", nil
	}
	fits := []bool{st.word(2) == "from", st.word(3) == "schema", st.isName(4), st.sign(5) == ".", st.isName(6)}
	if at := slices.Index(fits, false); at >= 0 {
		return "", st.nearToken(at + 2)
	}
	at := 7
	pattern, limit := "%", "10000"
	if kind, ok := st.kind(at + 1); ok && st.word(at) == "like" && kind == stringToken {
		pattern = st.tokens[at+1].word
		at += 2
	}
	if kind, ok := st.kind(at + 1); ok && st.word(at) == "limit" && kind == numberToken {
		limit = st.tokens[at+1].word
		at += 2
	}
	if at < len(st.tokens) {
		return "", st.nearToken(at)
	}
	columns := "*"
	if st.tableTimes.older {
		columns = `database_name, schema_name, table_name, table_type, table_acl, remarks, owner, last_altered_time,
			last_modified_time, dist_style`
	}
	return fmt.Sprintf("SELECT %s FROM redshift.show_tables(%s, %s, %s, %s, '%f seconds')", columns,
		engineLiteral(st.engineName(4)), engineLiteral(st.engineName(6)), engineLiteral(pattern), limit, st.tableTimes.lag.Seconds()), nil
}

func showTablesRefused(st *statement) *EngineError {
	_, refusal := st.showTables()
	return refusal
}
