package relation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// CarrySteps give a new generation what people have put on the one that readers see: grants, which views that ask with
// their reader's rights need, policies, options and statistics targets. Without one, it is its owner's alone, whatever
// the default privileges say. Where readers' generation is gone, what it had is remembered.
func CarrySteps(ctx context.Context, db catalog.DB, v catalog.View, p catalog.Published) ([]plan.Step, error) {
	to := newObject{"r", catalog.DataSchema, "", v.RelationSQL(v.Generation)}
	had := p.Below
	if had == nil && p.Remembered != nil && p.Remembered.Below != nil {
		kept, err := belowStillThere(ctx, db, *p.Remembered.Below)
		if err != nil {
			return nil, err
		}
		had = &kept
	}
	if had == nil {
		return privileges(ctx, db, to, nil)
	}
	if grant := passedOn(had.Grants, had.Columns); grant != "" {
		return nil, lostError(v, grant)
	}
	if had.Guarded && (v.Materialized() || v.Rowless()) {
		return nil, infra.Hinted(fmt.Errorf("view %s: row-level security is on its rows, and a %s cannot have it",
			v.Name, strings.ToLower(relationKind(v))), "Keep to a strategy by which its rows are in a table, as they are now.")
	}
	had = onlyReading(*had)
	steps, err := privileges(ctx, db, to, had.Grants)
	if err != nil {
		return nil, err
	}
	if had.Materialized == v.Materialized() && had.Rowless == v.Rowless() && len(had.Options) > 0 {
		options := strings.TrimPrefix(optionsSQL(had.Options), " WITH ")
		steps = append(steps, plan.Step{Title: "carry options over", SQL: "ALTER " + relationKind(v) + " " + to.name + " SET " + options})
	}
	for _, c := range had.Columns {
		if !slices.ContainsFunc(v.Columns, func(own catalog.Column) bool { return own.Name == c.Name }) {
			continue
		}
		steps = append(steps, grantSQL(to.name, " ("+sql.Ident(c.Name)+")", c.Grants)...)
		if c.Statistics != nil && !v.Rowless() {
			steps = append(steps, plan.Step{Title: "carry statistics target over", SQL: fmt.Sprintf("ALTER %s %s ALTER COLUMN %s SET STATISTICS %d",
				relationKind(v), to.name, sql.Ident(c.Name), *c.Statistics)})
		}
	}
	return append(steps, policySteps(to.name, *had)...), nil
}

// KeepPrivate takes from everybody but the owner what ALTER DEFAULT PRIVILEGES has given them on a new generation.
func KeepPrivate(ctx context.Context, tx pgx.Tx, v catalog.View) error {
	steps, err := privileges(ctx, tx, newObject{"r", catalog.DataSchema, "", v.RelationSQL(v.Generation)}, nil)
	if err != nil {
		return err
	}
	return plan.Run(ctx, tx, steps)
}

// onlyReading leaves out the rights of others to do more with a generation than to read it: who may write there, or make
// triggers, could have the owner run anything.
func onlyReading(had catalog.Carried) *catalog.Carried {
	more := func(g catalog.Grant) bool { return g.Right != "SELECT" && g.OID != had.Owner }
	if had.Grants != nil {
		had.Grants = slices.DeleteFunc(slices.Clone(had.Grants), more)
	}
	had.Columns = slices.Clone(had.Columns)
	for i, c := range had.Columns {
		had.Columns[i].Grants = slices.DeleteFunc(slices.Clone(c.Grants), more)
	}
	return &had
}

// relationKind is what a generation of the view is.
func relationKind(v catalog.View) string {
	switch {
	case v.Materialized():
		return kindSQL["m"]
	case v.Rowless():
		return kindSQL["v"]
	}
	return kindSQL["r"]
}

// kindSQL are the kinds of relations that generations are, by pg_class.relkind.
var kindSQL = map[string]string{"r": "TABLE", "m": "MATERIALIZED VIEW", "v": "VIEW"}

// policySteps put row-level security on a table, as another one has it.
func policySteps(table string, had catalog.Carried) (steps []plan.Step) {
	for _, p := range had.Policies {
		roles := make([]string, len(p.Roles))
		for i, role := range p.Roles {
			roles[i] = granteeSQL(role)
		}
		text := fmt.Sprintf("CREATE POLICY %s ON %s AS %s FOR %s TO %s", sql.Ident(p.Name), table,
			map[bool]string{true: "PERMISSIVE", false: "RESTRICTIVE"}[p.Permissive], policyCommands[p.Command],
			strings.Join(roles, ", "))
		if p.Using != nil {
			text += " USING (" + *p.Using + ")"
		}
		if p.Check != nil {
			text += " WITH CHECK (" + *p.Check + ")"
		}
		steps = append(steps, plan.Step{Title: "carry policy over", SQL: text})
	}
	if had.Guarded {
		steps = append(steps, plan.Step{Title: "carry row-level security over", SQL: "ALTER TABLE " + table + " ENABLE ROW LEVEL SECURITY"})
	}
	if had.Forced {
		steps = append(steps, plan.Step{Title: "carry row-level security over", SQL: "ALTER TABLE " + table + " FORCE ROW LEVEL SECURITY"})
	}
	return steps
}

// policyCommands are what pg_policy calls commands, in SQL.
var policyCommands = map[string]string{"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}

// CheckCarry refuses a new generation that would lose what is on the old one, without a word.
func CheckCarry(v catalog.View, from *catalog.Relation) error {
	if from == nil || len(from.Fixed) == 0 {
		return nil
	}
	return lostError(v, strings.Join(from.Fixed, ", "))
}

func lostError(v catalog.View, what string) error {
	return infra.Hinted(fmt.Errorf("view %s: a new generation would lose what is on the old one: %s", v.Name, what),
		"Take that from the old generation. Strategies merge, incremental and concurrent keep the relation, as long as the "+
			"definition stays.")
}
