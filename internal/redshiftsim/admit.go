package redshiftsim

import (
	"strings"
	"time"
)

// admit logs what a client sent and returns what the engine gets instead.
func (ses *session) admit(sql string) string {
	entry := ses.server.log.add(Statement{
		Session: ses.id, User: ses.user, Application: ses.application, QueryGroup: ses.queryGroup,
		SQL: sql, Start: time.Now(),
	})
	ses.mu.Lock()
	ses.unfinished = append(ses.unfinished, entry)
	cursorOpen := ses.cursor
	ses.mu.Unlock()
	if failure := ses.server.faults.failure(sql); failure != nil {
		return ses.provoke(*failure)
	}
	sql = ses.server.faults.deafTo(sql)
	var out strings.Builder
	for _, st := range split(sql) {
		st.singleNode, st.cursorOpen = ses.server.cfg.SingleNode, cursorOpen
		st.caseSensitive, st.shorten = ses.caseSensitive, ses.server.names.shorten
		st.tableTimes = ses.server.tableTimes()
		st.bare = ses.server.bareLiterals()
		refusal := st.refused()
		engine := st
		if refusal == nil {
			if engine, refusal = ses.expand(st); refusal == nil {
				engine = engine.translate()
				refusal = engine.lacks()
			}
		}
		switch {
		case refusal == nil:
			ses.note(st)
			out.WriteString(engine.rewrite())
		case refusal.Code == "42601":
			return ses.provoke(*refusal) // the whole text is parsed before any of it runs
		default:
			out.WriteString(ses.provoke(*refusal))
		}
		out.WriteString(";")
		cursorOpen = cursorAfter(st, cursorOpen)
	}
	return strings.TrimSuffix(out.String(), ";")
}

// cursorAfter follows a cursor through the statements of one text, about which the engine has not spoken yet.
func cursorAfter(st *statement, open bool) bool {
	switch st.word(0) {
	case "declare":
		return true
	case "close", "commit", "end", "rollback", "abort":
		return false
	}
	return open
}

// note follows the settings that matter to the stand-in itself.
func (ses *session) note(st *statement) {
	name, value, ok := st.assignment()
	if !ok && st.word(0) == "reset" {
		name, value = 1, ownSettings[st.word(1)]
	}
	switch st.word(name) {
	case "query_group":
		if strings.EqualFold(value, "default") {
			value = ownSettings["query_group"]
		}
		ses.queryGroup = value
	case "extra_float_digits":
		ses.floats.set(value)
	case "enable_case_sensitive_identifier":
		ses.caseSensitive = isOn(value)
	}
}

func isOn(value string) bool {
	switch strings.ToLower(value) {
	case "on", "true", "1", "yes", "t":
		return true
	}
	return false
}
