// Package grants holds those who may read a cached view in PostgreSQL against those who may read its sources on
// Redshift, and takes away what goes too far. A copy must not become a way around the warehouse's own permissions.
//
// # What is compared
//
// On the one side stands every role that can read the rows: through a grant on the published view or on some of its
// columns, through PUBLIC, through a membership, whether it is inherited or has to be taken up with SET ROLE, through a
// view of somebody else's that reads the published one with its owner's rights, or straight from a generation. On the
// other side stands what the view's query names on Redshift: whoever reads the copy must be mapped to an identity there
// that may use the schema and SELECT each relation. A view on Redshift is such a unit by itself: its readers need
// nothing below it, and have it there as they would have it here.
//
// # What proves a permission
//
// The hard idea is that nothing but evidence counts, and that there are several kinds of it, none complete: Redshift's
// has_table_privilege knows owners, superusers and groups, but is not documented to know roles; the SVV views know roles,
// but only explicit grants, and an ordinary login sees its own alone. Each can only say yes. So an identity may read when
// any of them says so, and whatever is hidden, missing or not understood leaves it an excess. The same goes for the
// query: what it reads is proved from its text and its plan ([redshift.ReadsOf]), or it is unproven, for everybody.
//
// # What is taken away
//
// [Auditor.Sync] revokes from the published view and its generations, and takes the role out of the definition, which
// would grant again. It never grants, never touches a membership, a schema or a view of somebody else's: what these give
// is said, and left. Each view is one transaction under the lock that its refreshes take, and what was left is what the
// same transaction still finds after the revocation, not what should be left.
package grants
