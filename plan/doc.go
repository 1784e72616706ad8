// Package plan is what a dry run consists of: steps, noted while they are run.
//
// The hard idea is that nobody writes a plan. What changes something runs its statements as steps, by [Run], or asks
// [Sends] before it sends one in its own way. In a [Rehearsal], which stands for the database, the same code runs in
// savepoints of one transaction that is rolled back in the end, and what it has run is the plan. So a dry run fails where
// the real thing would, and cannot say anything else than what runs.
//
// What a rehearsal cannot do, for it has no rows and knows no passwords, and what nobody may have to wait for, is noted
// where it would be sent, and not sent: see [Step.Live].
package plan
