package refresh

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// examine finds out what others have done to the view and its generations, and mends it: a view that is gone or moved is
// given back to its readers at once, whatever becomes of the refresh, and a generation that cannot be used any more is
// built anew. It fails when somebody has to decide.
func (j *job) examine(ctx context.Context, w *viewWork) (err error) {
	if w.condition, err = relation.ConditionOf(ctx, w.at.tx, w.view); err != nil {
		return err
	}
	if j.set != 0 {
		return nil // what readers have, whoever has the view's lock sees to
	}
	m, err := w.condition.Mending(ctx, w.at.tx, w.view, w.state)
	if err != nil {
		return err
	}
	if m.Remark != "" {
		j.mended[w.view.ID] = append(j.mended[w.view.ID], m.Remark)
	}
	if r := w.condition.Relation(w.state.Loaded); r != nil && r.Stripped && r.Owned {
		j.mended[w.view.ID] = append(j.mended[w.view.ID], "somebody had revoked rights of its owner on "+catalog.DataSchema+"."+
			w.view.Relation(r.Number)+": they are back")
		m.Steps = append(m.Steps, plan.Step{Title: "let the owner use it", SQL: "GRANT ALL ON " + w.view.RelationSQL(r.Number) + " TO " + sql.Ident(r.Owner)})
	}
	m.Steps = append(m.Steps, w.identitySteps()...)
	if err := j.mend(ctx, w, m); err != nil {
		return err
	}
	for _, done := range j.mended[w.view.ID] {
		w.remark(done)
	}
	if w.firstOfDefinition {
		if w.condition.Relation(&w.view.Generation) != nil { // somebody has given that name to another relation
			w.view.Generation = w.condition.Next(w.state.Highest)
		}
		return nil
	}
	if why := w.condition.Lost(w.view, w.view.Generation); why != "" {
		w.remark(why + "; it was built anew")
		w.view.Generation, w.lost = w.condition.Next(w.state.Highest), true
	}
	return nil
}

// mend runs the steps in a transaction of their own: readers need not wait for the source.
func (j *job) mend(ctx context.Context, w *viewWork, m relation.Mending) error {
	if len(m.Steps) == 0 {
		return nil
	}
	err := infra.InTx(ctx, j.runner.pool, infra.Limits{}, func(tx pgx.Tx) error { return relation.Mend(ctx, tx, j.runner.ordinary(), w.view, m) })
	if err != nil {
		return err
	}
	j.runner.cfg.Log.WarnContext(ctx, "view was mended", infra.KeyView, w.view.Name.String(), infra.KeyReason, m.Remark)
	w.condition, err = relation.ConditionOf(ctx, w.at.tx, w.view)
	return err
}

// identitySteps give rows that are published to others the identity without which they can neither be updated nor
// deleted: one of an older version, say, which somebody publishes since.
func (w *viewWork) identitySteps() []plan.Step {
	r := w.condition.Relation(w.state.Loaded)
	if r == nil || !r.Faceless || !r.Owned {
		return nil
	}
	step := relation.IdentityStep(w.view.RelationSQL(r.Number), r.KeyIndex)
	step.Lock, step.Live = plan.AccessExclusive, true
	return []plan.Step{step}
}

// findEmptied has a view read in full whose rows somebody else has removed.
func (j *job) findEmptied(ctx context.Context, w *viewWork) error {
	if w.newRelation || w.state.RowCount == nil || *w.state.RowCount == 0 || w.whole && !w.proof.wanted {
		return nil
	}
	var empty bool
	look := func(tx pgx.Tx) error { // elsewhere: its lock is not to stay for as long as the refresh takes
		return tx.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM "+w.relation()+")").Scan(&empty)
	}
	if err := infra.InTx(ctx, j.runner.pool, infra.Limits{}, look); err != nil || !empty {
		return wrap(err, "look for rows of view "+w.view.Name.String())
	}
	if r := w.condition.Relation(w.state.Loaded); r != nil && r.Forced {
		w.remark("row-level security, forced on " + w.relation() + ", shows its owner no rows: it was read in full")
	} else {
		w.remark("somebody had emptied " + w.relation() + ": it was read in full")
	}
	w.whole, w.proof.wanted = true, false
	return nil
}

// blocked says what others have put on the view, or on its generation, that keeps the work from being done as it has to.
func (w *viewWork) blocked() error {
	if !w.newRelation {
		if w.condition.Published.Altered {
			w.remark("somebody has changed the query of the published view, so readers may not see what is refreshed")
		}
		r := w.condition.Relation(w.state.Loaded)
		if r != nil && r.Trap != nil {
			return trapError(w.view, w.relation(), *r.Trap)
		}
		if r != nil && r.Filter != nil {
			return infra.Hinted(fmt.Errorf("view %s: %s on %s may change what a refresh writes, or keep it away", w.view.Name, *r.Filter, w.relation()),
				fmt.Sprintf("DROP TRIGGER %s ON %s; one that is called AFTER a row is written does no harm.",
					sql.Pasted(strings.TrimPrefix(*r.Filter, "trigger ")), w.relation()))
		}
		if rule := ruleOn(r); rule != "" {
			return infra.Hinted(fmt.Errorf("view %s: %s on %s changes what a refresh writes", w.view.Name, rule, w.relation()),
				fmt.Sprintf("DROP RULE %s ON %s; an AFTER trigger can do what does not keep rows away.", sql.Pasted(strings.TrimPrefix(rule, rulePrefix)), w.relation()))
		}
		if r != nil && r.Forced {
			return infra.Hinted(fmt.Errorf("view %s: row-level security is forced on %s for its owner as well, so a refresh would "+
				"not see all rows", w.view.Name, w.relation()),
				fmt.Sprintf("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY; or %s, which carries policies over to a new table.",
					w.relation(), altering(w.view.Name, "--strategy", "swap")))
		}
		return nil
	}
	if w.condition.Published.Altered {
		return relation.AlteredError(w.view)
	}
	return relation.CheckCarry(w.view, w.condition.Relation(w.state.Generation))
}

const rulePrefix = "rule "

// ruleOn is a rule that somebody has put on a generation.
func ruleOn(r *catalog.Relation) string {
	if r == nil {
		return ""
	}
	i := slices.IndexFunc(r.Fixed, func(what string) bool { return strings.HasPrefix(what, rulePrefix) })
	if i < 0 {
		return ""
	}
	return r.Fixed[i]
}

// trapError refuses to write where that would run what a stranger has written.
func trapError(v catalog.View, relation, trap string) error {
	return infra.Hinted(fmt.Errorf("view %s: on %s is %s, and a refresh would run it as the owner of the cache", v.Name, relation, trap),
		fmt.Sprintf("Drop the trigger, and take the right to make one: REVOKE ALL ON %s FROM whoever made it.",
			relation))
}
