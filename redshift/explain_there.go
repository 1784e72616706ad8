package redshift

const refused = "Redshift refuses the query"

// there is what Redshift's errors mean, and those of the way to it.
var there = []advice{
	{
		texts: []string{`unrecognized configuration parameter "query_group"`},
		what:  "the server at the link's address is not Redshift",
		hint: "It knows nothing of Redshift's settings: a PostgreSQL, perhaps. Check the link's host, port and database; " +
			"other servers than Redshift cannot be the source of a link.",
	},
	{
		texts: []string{"recursive cte in subquery"},
		what:  refused,
		hint:  "Redshift takes WITH RECURSIVE at the query's beginning only: move it there.",
	},
	{
		texts: []string{"failed to find conversion function"},
		what:  refused,
		hint:  "A literal has no type outside of the query that it stands in. Give it one there: 'web'::varchar(9) AS channel.",
	},
	{
		texts: []string{"require a frame clause"},
		what:  refused,
		hint:  "Say which rows of the window count, as in SUM(x) OVER (ORDER BY y ROWS UNBOUNDED PRECEDING).",
	},
	{
		texts: []string{"not supported on redshift tables", "not supported on amazon redshift tables"},
		what:  refused,
		hint: "Catalogs, and functions that only the leader node has, cannot stand beside tables. " +
			"GETDATE() and SYSDATE are the clocks that can.",
	},
	{
		texts: []string{"password authentication failed"},
		what:  "Redshift refused the login",
		hint:  "Check the link's user and password; a password with VALID UNTIL expires, and renaming a user clears it.",
	},
	{
		texts: []string{"fatal: database"},
		what:  "the link's database does not exist",
		hint:  "Check the database; Redshift's first one is called dev unless its maker chose another name.",
	},
	{
		texts: []string{"remote query result rowtype does not match"}, // dblink's own words
		what:  "Redshift returns other columns than it told before",
		hint:  "Somebody may just have changed a table that the query reads: try again.",
	},
	{
		codes: []string{"42P02"},
		what:  refused,
		hint:  "Nobody gives values to parameters here: write them into the query.",
	},
	{
		texts: []string{`type "e" does not exist`},
		what:  refused,
		hint:  "Redshift has no E before a literal, since a backslash escapes in each: leave the E out.",
	},
	{
		codes: []string{"2F003"},
		what:  "the link may not be used without a password that Redshift asks for",
		hint:  "Set the link's password, and make sure that the remote login needs one.",
	},
	{
		texts: []string{"could not translate host name"},
		what:  "the host name does not resolve on the PostgreSQL server",
		hint: "Check the name. A private name may need rds.custom_dns_resolution = 1; or give the link the address " +
			"(hostaddr) beside the name.",
	},
	{
		texts: []string{"connection refused"},
		what:  "nothing listens at the link's address",
		hint:  "Check host and port (Redshift's default is 5439), and that the cluster is neither paused nor restarting.",
	},
	{
		texts: []string{"timeout expired", "connection timed out", "no route to host", "network is unreachable"},
		what:  "the link's address does not answer",
		hint: "Check that Redshift's security group lets the PostgreSQL server in, that both can reach each other " +
			"(same or peered VPC), and that the cluster is not paused.",
	},
	{
		texts: []string{"root certificate file", "certificate verify failed", "does not match host name", "server certificate"},
		what:  "the server's certificate could not be verified",
		hint: "sslrootcert is a file on the PostgreSQL server; verify-full needs a host name that the certificate has. " +
			"Where no such file can be placed, sslmode=require encrypts without verifying.",
	},
	{
		texts: []string{"does not support ssl"},
		what:  "the two sides do not agree on TLS: the link's sslmode wants it, and the server has none",
		hint: "Redshift always offers it: check host and port. Only where the network itself is safe, and the server is " +
			"meant to be without, --sslmode disable does without.",
	},
	{
		texts: []string{"ssl off", "ssl is required", "no encryption"},
		what:  "the two sides do not agree on TLS: the server wants it, and the link's sslmode does without",
		hint:  "Use sslmode=require, which encrypts: make the link with --sslmode require.",
	},
	{
		texts: []string{"ssl error"},
		what:  "the two sides do not agree on TLS",
		hint:  "Check that the link's host and port are Redshift's own, and that nothing between the two ends TLS.",
	},
	{
		texts: []string{"server closed the connection", "eof detected", "ssl syscall error", "no connection to the server"},
		what:  "the connection to Redshift broke",
		hint:  "Try again; it breaks when the cluster is paused, resized or maintained, or when a firewall forgets it.",
	},
	{
		codes: []string{"53300"}, texts: []string{"connection limit", "too many connections", "too many clients"},
		what: "Redshift has no connection left",
		hint: "Lower the link's concurrency, close other sessions, or raise the user's CONNECTION LIMIT.",
	},
	{
		texts: []string{"query monitoring rule"},
		what:  "a query monitoring rule of the warehouse ended the query",
		hint:  "Make the query cheaper, or ask the warehouse's owner for another queue.",
	},
	{
		texts: []string{"permission denied to create temporary tables"},
		what:  "the link's login may not create temporary tables, which describing a query needs",
		hint:  "On Redshift: GRANT TEMP ON DATABASE … TO the link's user.",
	},
	{
		texts: []string{"disk full"}, codes: []string{"53100"},
		what: "a disk of Redshift is full",
		hint: "The query spills on Redshift: make it read less, or give it more memory there.",
	},
	{
		codes: []string{"22021"},
		what:  "a text on Redshift is not valid UTF-8",
		hint:  "Correct the row on Redshift, or leave the column out of the query.",
	},
	{
		texts: []string{"does not fit numeric"}, codes: []string{"22003"},
		what: "a number on Redshift does not fit its column's type",
		hint: "Cast the column in the query to a wider type, or ROUND it to the scale that it has.",
	},
	{
		codes: []string{"42501"},
		what:  "the right to it is missing on Redshift",
		hint:  "Grant it to the link's user on Redshift (USAGE on the schema and SELECT on the relation).",
	},
	{
		codes: []string{"42P01", "3F000"},
		what:  "the relation or its schema does not exist on Redshift, or the link's user may not see it",
		hint:  "Write names with their schema, and check them on Redshift.",
	},
	{
		codes: []string{"57014"}, texts: []string{"canceled on user's request"},
		what: "the query was canceled on Redshift",
		hint: "Somebody canceled it, or it ran longer than its statement timeout allows, waiting in a queue included.",
	},
	{
		texts: []string{"error: 1023", "code: 1023", "serializable isolation violation", "conflict with concurrent transaction"},
		codes: []string{"40"},
		what:  "other transactions on Redshift were in the way",
		hint:  "Try again. When it comes back, let loads and refreshes run at different times.",
	},
	{
		texts: []string{"error: 1018", "code: 1018", "could not open relation with oid"},
		what:  "a table of the query was dropped, or made again, while it ran",
		hint:  "Try again: loads that put a new table in the place of an old one do that for a moment.",
	},
	{
		texts: []string{"system requested abort", "code: 1020"},
		what:  "Redshift ended the query by itself",
		hint:  "Its workload management, an operator or a maintenance did so: try again later.",
	},
	{
		codes: []string{"21"},
		what:  uncomputed,
		hint:  "A subquery that stands for one value returns several rows: let it return one, by MAX or LIMIT 1, say.",
	},
	{
		codes: []string{"22"},
		texts: []string{ // Redshift's own, which have no SQLSTATE
			"invalid digit", "divide by zero", "division by zero", "data overflow", "out of range", "value too long", "string length exceeds",
			"invalid date", "invalid timestamp", "invalid exponent", "invalid characters",
		},
		what: uncomputed,
		hint: "A literal of the query, or a row of the source, is nothing that the query can work with: correct the one, leave the " +
			"other out, or guard the expression, as NULLIF(x, 0) does a divisor.",
	},
	{
		codes: []string{"0A"},
		what:  refused,
		hint:  "Redshift lacks that, or takes it elsewhere only. Its query editor shows what works instead.",
	},
	{
		codes: []string{"42"},
		what:  refused,
		hint:  "Redshift's SQL is that of PostgreSQL 8.0, with additions of its own; its query editor shows where the mistake is.",
	},
	{
		codes: []string{"54"},
		what:  refused,
		hint:  "It is too long, or has too much in it: make it simpler.",
	},
	{
		codes: []string{"28"},
		what:  "Redshift refused the login",
		hint:  "Check the link's user and password, and whether the user may log in from here.",
	},
	{
		codes: []string{"3D"},
		what:  "the link's database does not exist, or cannot be read from there",
		hint:  "Check the database's name.",
	},
	{
		codes: []string{"55"},
		what:  "somebody on Redshift is in the way",
		hint:  "STV_LOCKS shows there who holds what; try again when that has ended.",
	},
	{
		codes: []string{"53"},
		what:  "Redshift is short of memory or connections",
		hint:  "Try again later, or make the query read less.",
	},
	{
		codes: []string{"08", "57P"},
		what:  "the connection to Redshift broke, or could not be made",
		hint:  "Try again; `cachectl link test LINK` says how far one gets.",
	},
	{
		codes: []string{"58", "XX"},
		what:  "Redshift failed by itself",
		hint:  "Try again. " + lookThere,
	},
	{
		codes: []string{""}, // any other
		what:  "Redshift says",
		hint:  "Try the query in Redshift's query editor. " + lookThere,
	},
}

const (
	// uncomputed is said where it is a value that is wrong, and not the query's text.
	uncomputed = "Redshift cannot compute what the query asks for"
	lookThere  = "What else Redshift knows of it stands in SYS_QUERY_HISTORY, where the query's label begins with redcache."
)
