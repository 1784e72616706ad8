package refresh

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// noteStored has a rehearsal note that a definition changes, by statements as they would be written by hand. It is all that a
// plan has of what is written into the catalog, and the only steps that are not what runs.
func noteStored(tx pgx.Tx, c decision, statements ...func(before, after catalog.View) plan.Step) {
	if c.along || !plan.Rehearses(tx) {
		return
	}
	for _, statement := range statements {
		if step := statement(c.before.View, c.after); step.SQL != "" {
			step.Title, step.Live = "store the definition", true
			plan.Sends(tx, step)
		}
	}
}

// storeStep writes the definition; nothing when it is the same.
func storeStep(before, after catalog.View) plan.Step {
	changed := changedFields(before.Definition, after.Definition)
	switch {
	case before.ID == 0:
		return plan.Step{SQL: fmt.Sprintf("WITH added AS (INSERT INTO redcache.view (schema_name, view_name) VALUES (%s, %s) RETURNING id, generation), "+
			"stated AS (INSERT INTO redcache.state (view_id) SELECT id FROM added) "+
			"INSERT INTO redcache.generation (view_id, number, link_id, state, rowless, columns, definition) "+
			"SELECT id, generation, %s, 'building', %t, %s, %s FROM added", sql.LiteralLine(after.Name.Schema), sql.LiteralLine(after.Name.View),
			orNull(after.Link.ID), after.Rowless(), jsonLiteral(after.Columns), jsonLiteral(after.Definition))}
	case before.Generation != after.Generation:
		text := fmt.Sprintf("INSERT INTO redcache.generation (view_id, number, link_id, state, rowless, columns, definition) "+
			"SELECT view_id, %d, %s, 'building', %t, %s, definition || %s FROM redcache.generation WHERE view_id = %d AND number = %d",
			after.Generation, orNull(after.Link.ID), after.Rowless(), jsonLiteral(after.Columns), jsonLiteral(changed), after.ID, before.Generation)
		return plan.Step{SQL: text, Notes: catalog.ColumnChanges(before.Columns, after.Columns)}
	case len(changed) == 0:
		return plan.Step{}
	}
	return plan.Step{SQL: fmt.Sprintf("UPDATE redcache.generation SET definition = definition || %s WHERE view_id = %d AND number = %d",
		jsonLiteral(changed), after.ID, after.Generation)}
}

// pointStep puts a definition in force that has a generation of its own.
func pointStep(before, after catalog.View) plan.Step {
	if before.ID == 0 || before.Generation == after.Generation {
		return plan.Step{}
	}
	return plan.Step{SQL: fmt.Sprintf("UPDATE redcache.view SET generation = %d WHERE id = %d", after.Generation, after.ID)}
}

// changedFields are the fields of a definition's JSON form that another one says otherwise, as this says them.
func changedFields(before, after catalog.Definition) map[string]json.RawMessage {
	was, is := fieldsOf(before), fieldsOf(after)
	for name, value := range was {
		if bytes.Equal(value, is[name]) {
			delete(is, name)
		}
	}
	return is
}

func fieldsOf(d catalog.Definition) (fields map[string]json.RawMessage) {
	text, _ := json.Marshal(d) // lists and texts
	_ = json.Unmarshal(text, &fields)
	return fields
}

func jsonLiteral(value any) string {
	var text bytes.Buffer
	to := json.NewEncoder(&text)
	to.SetEscapeHTML(false)
	_ = to.Encode(value) // lists and maps of texts
	return sql.LiteralLine(string(bytes.TrimSpace(text.Bytes())))
}

func orNull(id int32) string {
	if id == 0 {
		return "NULL"
	}
	return fmt.Sprint(id)
}
