// Package schedule says WHEN views are refreshed: it holds the loop that a worker runs, and the two halves of it that
// Lambda functions run, a dispatcher and a handler of its messages.
//
// The hard idea is what it does without. There is no queue, no lease and no leader: the catalog says what is due, and
// the view's advisory lock says who refreshes it. So any number of loops may work on one cache. Each looks for itself,
// takes what nobody holds, and asks the runner to refresh a view only if it is still due once it is locked; whoever
// loses that race has a skipped run, and leaves the view alone for a moment. A loop that dies leaves nothing to
// clean up: its locks went with its connections, and its views are still due.
//
// Functions have a queue between them, since one cannot wait for another, but nothing depends on it: a message only
// says that a view was due when it was sent. The dispatcher notes in the catalog that it was, so that nobody sends
// another one while it is on its way; the note ends with the message, or by itself. What becomes of the view is decided
// as above, by what is due and who has the lock.
//
// What a loop does keep is its own bounds. It has at most so many refreshes under way in all and for each link, and it
// gives the next free place to the link that has the fewest, so that a slow or broken link fills its own places and no
// others. Everything else it remembers, which views rest and since when the database is out of reach, is only to
// avoid asking in vain.
package schedule
