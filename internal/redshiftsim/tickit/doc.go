// Package tickit makes data in the shape of TICKIT, the ticket shop of Amazon Redshift's tutorials, in schema tickit of
// an engine database: users, venue, category, date, event, listing and sales. It is sample data for tests and the demo.
//
// The rows are invented, and the same at every load of one size. They have what real data has and what breaks copies of
// it: names in many scripts, quotes, backslashes and emoji, NULLs, decimals, and three things in particular:
//
//   - sales.salesid is unique. sales.updated_at rises with salesid and moves at every change, and is NULL in one row of
//     [NullUpdatedEvery].
//   - Late rows: in one row of [LateEvery], saletime lies up to 30 days before that of its neighbours.
//   - Duplicates: keys of a warehouse are not enforced, so one listing of [DuplicateEvery] is there twice, with the same
//     listid, another price and a later listtime. A reader who wants one row a listing has to take the latest.
package tickit
