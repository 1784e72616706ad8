package relation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// optionsSQL is the part of CREATE VIEW that gives a view options again, as pg_class has them: "security_barrier=true".
// A replacement that does not name them drops them.
func optionsSQL(options []string) string {
	if len(options) == 0 {
		return ""
	}
	list := make([]string, len(options))
	for i, option := range options {
		name, value, _ := strings.Cut(option, "=")
		list[i] = sql.Ident(name) + " = " + sql.Literal(value)
	}
	return " WITH (" + strings.Join(list, ", ") + ")"
}

// decorate gives a view that has just been made what another one had, on the columns that it has.
func decorate(ctx context.Context, db catalog.DB, v catalog.View, d catalog.Decorations, columns []string) ([]plan.Step, error) {
	steps, err := privileges(ctx, db, newObject{"r", v.Name.Schema, "", v.Name.SQL()}, d.Grants)
	if err != nil {
		return nil, err
	}
	if d.Comment != nil {
		steps = append(steps, plan.Step{Title: "restore comment", SQL: "COMMENT ON VIEW " + v.Name.SQL() + " IS " + sql.Literal(*d.Comment)})
	}
	for _, c := range d.Columns {
		if slices.Contains(columns, c.Name) {
			steps = append(steps, decorateColumn(v, c)...)
		}
	}
	if d.Owner != "" {
		steps = append(steps, plan.Step{Title: "restore owner", SQL: "ALTER VIEW " + v.Name.SQL() + " OWNER TO " + sql.Ident(d.Owner)})
	}
	return steps, nil
}

func decorateColumn(v catalog.View, c catalog.DecoratedColumn) (steps []plan.Step) {
	name := sql.Ident(c.Name)
	if c.Comment != nil {
		steps = append(steps, plan.Step{Title: "restore comment on column", SQL: fmt.Sprintf("COMMENT ON COLUMN %s.%s IS %s",
			v.Name.SQL(), name, sql.Literal(*c.Comment))})
	}
	if c.Default != nil {
		steps = append(steps, plan.Step{Title: "restore default of column", SQL: fmt.Sprintf("ALTER VIEW %s ALTER COLUMN %s SET DEFAULT %s",
			v.Name.SQL(), name, *c.Default)})
	}
	return append(steps, grantSQL(v.Name.SQL(), " ("+name+")", c.Grants)...)
}

// newObject is what has just been made: its kind in pg_default_acl, its schema if it has one, the word that GRANT wants
// before its name, and its name.
type newObject struct{ kind, schema, word, name string }

// privileges let those use a new object who are named, and nobody else: ALTER DEFAULT PRIVILEGES may have given more, or
// less. With nil, that is the owner alone.
func privileges(ctx context.Context, db catalog.DB, o newObject, grants []catalog.Grant) ([]plan.Step, error) {
	rows, err := db.Query(ctx, `
		SELECT DISTINCT coalesce(r.rolname::text, '')
		FROM pg_catalog.pg_default_acl d
		LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
		CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
		LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
		WHERE d.defaclobjtype::text = $1 AND (d.defaclnamespace = 0 OR n.nspname = $2)
		  AND pg_catalog.pg_get_userbyid(d.defaclrole) = current_user
		ORDER BY 1`, o.kind, o.schema)
	if err != nil {
		return nil, fmt.Errorf("read default privileges: %w", err)
	}
	var others []string
	var role string
	if _, err = pgx.ForEachRow(rows, []any{&role}, func() error { others = append(others, granteeSQL(role)); return nil }); err != nil {
		return nil, fmt.Errorf("read default privileges: %w", err)
	}
	if len(others) == 0 && grants == nil {
		return nil, nil
	}
	all := strings.Join(append(others, "CURRENT_USER"), ", ")
	steps := []plan.Step{{Title: "take default privileges away", SQL: "REVOKE ALL ON " + o.word + o.name + " FROM " + all}}
	if grants == nil {
		return append(steps, plan.Step{Title: "let the owner use it", SQL: "GRANT ALL ON " + o.word + o.name + " TO CURRENT_USER"}), nil
	}
	return append(steps, grantSQL(o.word+o.name, "", grants)...), nil
}

// grantSQL grants rights again, those of a role in one statement. What a grantee has passed on is left out: nobody else
// can grant it in his place.
func grantSQL(on, columns string, grants []catalog.Grant) (steps []plan.Step) {
	type to struct {
		role    string
		passing bool
	}
	var order []to
	rights := map[to][]string{}
	for _, g := range grants {
		if g.By != "" {
			continue
		}
		who := to{g.Role, g.Passing}
		if rights[who] == nil {
			order = append(order, who)
		}
		rights[who] = append(rights[who], g.Right+columns)
	}
	for _, who := range order {
		text := "GRANT " + strings.Join(rights[who], ", ") + " ON " + on + " TO " + granteeSQL(who.role)
		if who.passing {
			text += " WITH GRANT OPTION"
		}
		steps = append(steps, plan.Step{Title: "restore grant", SQL: text})
	}
	return steps
}

// granteeSQL quotes the role of an existing grant; the nameless one is PUBLIC.
func granteeSQL(role string) string {
	if role == "" {
		return "PUBLIC"
	}
	return sql.Ident(role)
}

// passedOn names a grant that somebody else than the owner has made, if there is one. It would be lost with the view,
// and only its grantor could make it again.
func passedOn(grants []catalog.Grant, columns []catalog.DecoratedColumn) string {
	all := slices.Clone(grants)
	for _, c := range columns {
		all = append(all, c.Grants...)
	}
	for _, g := range all {
		if g.By != "" {
			return fmt.Sprintf("%s, which %s has granted to %s", g.Right, g.By, cmp.Or(g.Role, "PUBLIC"))
		}
	}
	return ""
}
