package relation

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// UndressSteps take from a generation that is to be seen again what people had put on it: what is on the one that readers see now
// comes instead, see [CarrySteps].
func UndressSteps(ctx context.Context, db catalog.DB, v catalog.View, r catalog.Relation) (steps []plan.Step, err error) {
	rows, err := db.Query(ctx, `
		SELECT true, p.polname::text FROM pg_catalog.pg_policy p WHERE p.polrelid = $1
		UNION
		SELECT false, CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee)::text ELSE '' END
		FROM pg_catalog.pg_class c
		CROSS JOIN LATERAL (
		    SELECT c.relacl AS acl
		    UNION ALL
		    SELECT a.attacl FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		) l
		CROSS JOIN LATERAL pg_catalog.aclexplode(l.acl) x
		WHERE c.oid = $1 AND x.grantee <> c.relowner
		ORDER BY 1, 2`, r.OID)
	if err != nil {
		return nil, fmt.Errorf("read what is on %s: %w", v.RelationSQL(r.Number), err)
	}
	const title = "take off what was on the old generation"
	relation, policy, name := v.RelationSQL(r.Number), false, ""
	_, err = pgx.ForEachRow(rows, []any{&policy, &name}, func() error {
		text := "REVOKE ALL ON " + relation + " FROM " + granteeSQL(name) + " CASCADE"
		if policy {
			text = "DROP POLICY " + sql.Ident(name) + " ON " + relation
		}
		steps = append(steps, plan.Step{Title: title, SQL: text})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what is on %s: %w", relation, err)
	}
	if r.Guarded || r.Forced {
		steps = append(steps, plan.Step{Title: title, SQL: "ALTER TABLE " + relation + " NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY"})
	}
	return steps, nil
}
