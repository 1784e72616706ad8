package redshift

// here is what errors of the cache database mean. They go by the SQLSTATE alone: a text may be anybody's who has put a
// function, a trigger or a policy there.
var here = []advice{
	{
		codes: []string{"25006"},
		what:  "the cache database takes no writes",
		hint: "It is a standby, or default_transaction_read_only is on for its role, database or server: let DATABASE_URL " +
			"name the server that takes writes, or switch the setting off.",
	},
	{
		codes: []string{"25P04"},
		what:  "the cache database ended the transaction at its transaction_timeout",
		hint:  "That is a setting of the role, the database or the server: ALTER ROLE … SET transaction_timeout = 0.",
	},
	{
		codes: []string{"25P03"},
		what:  "the cache database ended a transaction that was idle",
		hint: "The process that worked in it hung; or it waited for a second connection, which a pooler did not have: " +
			"default_pool_size of PgBouncer must be larger than the refreshes that are under way.",
	},
	{
		codes: []string{"53100"},
		what:  "a disk of the cache database is full",
		hint:  "Free space there, or make it larger; `cachectl list` shows how much the views take.",
	},
	{
		codes: []string{"53400"},
		what:  "the cache database ran into a limit of its configuration",
		hint:  "Raise temp_file_limit for its role, or read less: --strategy incremental, or --transport stream, which spools nothing.",
	},
	{
		codes: []string{"53"},
		what:  "the cache database is short of memory or connections",
		hint:  "Lower how many refreshes run at once, or give the server more.",
	},
	{
		codes: []string{"57P01", "57P02", "57P03", "08"},
		what:  "the connection to the cache database broke",
		hint:  "It was restarted, failed over, or somebody ended the session; what had not been committed is gone. Try again.",
	},
	{
		codes: []string{"57014"},
		what:  "the cache database ended the statement",
		hint:  "Its time was up, or somebody cancelled it.",
	},
	{
		codes: []string{"40P01", "40001"},
		what:  "two transactions of the cache database were in each other's way",
		hint:  "Try again. When it comes back, look in the server's log for the other one.",
	},
	{
		codes: []string{"55P03"},
		what:  "somebody holds a lock on it in the cache database",
		hint:  "pg_locks and pg_prepared_xacts show who; a forgotten prepared transaction is in the second only.",
	},
	{
		codes: []string{"42501"},
		what:  "the cache database does not let its role do that",
		hint: "Grant it to the role of DATABASE_URL. Where a row-level security policy is on a table of schema redcache_data, " +
			"let that role write, or drop it.",
	},
	{
		codes: []string{"42704"},
		what:  "the cache database lacks an object that the link or the view needs",
		hint: "Somebody has dropped or renamed it: make a role again, or leave it out of the view's --grant; `cachectl link rotate` " +
			"makes a link's user mapping again.",
	},
	{
		codes: []string{"42P01", "3F000", "42883", "3D000"},
		what:  "the cache database lacks an object that the view needs",
		hint: "Somebody has dropped or renamed it, or its schema. What belongs to a view is made again by its next refresh; " +
			"extension dblink and schema redcache are not.",
	},
	{
		codes: []string{"55000"},
		what:  "the cache database does not let the rows change",
		hint: "A publication of all tables, or of schema redcache_data, wants a replica identity of each: leave that schema " +
			"out of it, or give the view a --key.",
	},
	{
		codes: []string{"54"},
		what:  "a row is too large for the cache database, or for an index of the view",
		hint: `An --index of long texts can be one of their beginning or hash: --index "md5(note)". A --key of long texts can be ` +
			"their hash, as a column of the query: md5(note) AS note_hash.",
	},
	{
		codes: []string{"23503"},
		what:  "a foreign key in the cache database is in the way",
		hint:  "Somebody has put it on the view's table in schema redcache_data, which refreshes replace: drop it.",
	},
	{
		codes: []string{"23"},
		what:  "an index or a constraint in the cache database refuses a row",
		hint:  "It is one of the view's own --index, or somebody has put it on the table in schema redcache_data: drop that.",
	},
	{
		codes: []string{"22"},
		what:  "the cache database cannot compute an expression of a row",
		hint: "Look at the view's --index expressions, and at what others have put on its table in schema redcache_data: " +
			"triggers, checks, policies.",
	},
	{
		codes: []string{"2BP01"},
		what:  "something else in the cache database still needs it",
		hint:  "Remove what depends on it first: a view, a foreign table, or another role's user mapping.",
	},
	{
		codes: []string{"P0", "09", "38", "39"},
		what:  "a trigger or a function in the cache database refuses it",
		hint:  "It is somebody's own: look at event triggers (pg_event_trigger), and at triggers and functions of the table.",
	},
	{
		codes: []string{"58", "XX"},
		what:  "the cache database failed by itself",
		hint:  "Its log says more.",
	},
	{
		codes: []string{""}, // any other
		what:  "the cache database refuses it",
		hint:  "Its log says more; look also at what stands on the view's table in schema redcache_data.",
	},
}
