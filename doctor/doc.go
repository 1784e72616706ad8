// Package doctor examines a cache database and its links, says what is wrong or will be, and what to do about it.
//
// The hard idea is to be worth believing. A check that could not be made says so, and why, instead of passing; one
// that goes by a rule of thumb says by which; and where only somebody else can know, a setting of a pooler or the zone
// of a machine, it says what to look at. So there are four results, and [Unknown] is not a failure.
//
// Nothing is changed: all that is asked of PostgreSQL is asked in read-only transactions, by the role that owns the
// catalog, and Redshift is only read. A check that lacks a right is unknown, and its fix names the right. Passwords are
// neither read nor renewed.
//
// Each check is a [probe] in the file of its theme, with a section in docs/doctor.md that bears its id. Probes that ask
// about views ask about all of them at once, so that a thousand take little longer than one.
package doctor
