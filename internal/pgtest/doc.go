// Package pgtest starts throwaway PostgreSQL servers for tests and the demo.
//
// A [Cluster] is a real server made by initdb from the binaries on the machine. It listens on 127.0.0.1 only, asks
// every login for a SCRAM password and dies with the process that started it. Durability is switched off; nothing
// else differs from a server in production, in particular the product never gets a superuser: [Owner] is an ordinary
// role, and the extensions it needs were created by somebody else, as on RDS.
//
// Its files are in memory where there is room, and a login costs one round of SCRAM, as tests make databases and log in all
// the time.
//
// A test calls [New] for a database of its own, cloned from a template on the one server that its package shares, or
// [NewFrom] for one that has something in it already:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		db := pgtest.New(t)
//		pool := db.Pool(t)
//	}
//
// A [Pooler] is a real PgBouncer in front of a cluster.
//
// Tests that stop or restart the server call [Start] for one of their own. When a test failed, its database and the
// server's directory are kept, and the way to look at them is printed.
package pgtest
