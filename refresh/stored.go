package refresh

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/sql"
)

// storeSteps are what stores a changed definition, as it would be written by hand; none when nothing has changed.
func storeSteps(before, after catalog.View) ([]Step, error) {
	changed, err := changedFields(before.Definition, after.Definition)
	if err != nil {
		return nil, err
	}
	const title = "store the definition"
	if before.Generation == after.Generation {
		if len(changed) == 0 {
			return nil, nil
		}
		return []Step{{Title: title, SQL: fmt.Sprintf("UPDATE redcache.generation SET definition = definition || %s WHERE view_id = %d AND number = %d",
			jsonLiteral(changed), after.ID, after.Generation)}}, nil
	}
	return []Step{{Title: title, SQL: fmt.Sprintf("INSERT INTO redcache.generation (view_id, number, link_id, state, columns, definition) "+
		"SELECT view_id, %d, %s, 'building', %s, definition || %s FROM redcache.generation WHERE view_id = %d AND number = %d",
		after.Generation, orNull(after.Link.ID), jsonLiteral(after.Columns), jsonLiteral(changed), after.ID, before.Generation)}, {
		Title: title, SQL: fmt.Sprintf("UPDATE redcache.view SET generation = %d WHERE id = %d", after.Generation, after.ID),
	}}, nil
}

// changedFields are the fields of a definition's JSON form that another one says otherwise, as this says them.
func changedFields(before, after catalog.Definition) (map[string]json.RawMessage, error) {
	was, err := fieldsOf(before)
	if err != nil {
		return nil, err
	}
	is, err := fieldsOf(after)
	for name, value := range was {
		if bytes.Equal(value, is[name]) {
			delete(is, name)
		}
	}
	return is, err
}

func fieldsOf(d catalog.Definition) (fields map[string]json.RawMessage, err error) {
	text, err := json.Marshal(d)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	return fields, err
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
