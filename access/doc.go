// Package access says how a link gets in: with which login, and at which address. It keeps both current.
//
// The hard idea is that nobody owns this. Any number of workers, Lambdas and operators use one link, whose login and
// address are in its foreign server and user mapping, for all of them alike. A password from AWS ends within the hour,
// and an address moves when a cluster does. So whoever needs the link next, and finds the password about to end, takes
// the link's own lock (lock.Login), looks again, and only then asks AWS; the others wait for that, and find it done.
// What was learned is committed in the transaction that holds the lock, together with when it ends: there is nothing
// to clean up, whoever dies at whichever moment.
//
// Sessions that are open already go on: Redshift looks at a password at login only. That is why no margin beyond a
// login's own duration is needed, and why a renewal disturbs nobody.
//
// A refused login is answered by one renewal, and a connection that cannot be made by one look at the address and
// state of the cluster. Never by more: a login that is refused with a fresh password is refused for another reason.
package access
