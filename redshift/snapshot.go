package redshift

// What starts and ends a snapshot: a transaction whose statements all see the same data. Redshift has one isolation for
// all levels and takes every name; PostgreSQL needs this one. Some clusters take the snapshot at BEGIN, others at the
// first statement that reads a table, so what the remote's clock said before BEGIN is never later than the snapshot.
const (
	BeginSnapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	EndSnapshot   = "COMMIT"
)
