package redshiftsim

import "time"

// admit logs what a client sent and returns what the engine gets instead.
func (ses *session) admit(sql string) string {
	entry := ses.server.log.add(Statement{
		Session: ses.id, User: ses.user, Application: ses.application, QueryGroup: ses.queryGroup,
		SQL: sql, Start: time.Now(),
	})
	ses.mu.Lock()
	ses.unfinished = append(ses.unfinished, entry)
	ses.mu.Unlock()
	if failure := ses.server.faults.failure(sql); failure != nil {
		return ses.provoke(*failure)
	}
	return sql
}
