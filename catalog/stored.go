package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/redcache/redcache/infra"
)

// stored is JSON of the catalog, which somebody else than this program may have written. What cannot be read of one row is
// that row's error, and not the end of all the others.
type stored[T any] struct {
	value T // as far as it could be read
	err   error
}

// UnmarshalJSON never fails.
func (s *stored[T]) UnmarshalJSON(text []byte) error {
	s.err = json.Unmarshal(text, &s.value)
	return nil
}

// unreadable is why a view's definition, or its columns, cannot be read.
func (r viewRow) unreadable() error {
	if r.Lost {
		return &InvalidError{
			What: "view " + r.Name.String(), Problem: fmt.Sprintf("generation %d of it is not in redcache.generation, and with that its definition", r.Generation),
			Fix: "Restore the schemas redcache and redcache_data together; or drop it with " +
				infra.Command("cachectl", "drop-view", r.Name.String()) + " and add it again. Readers have its old rows until then.",
		}
	}
	if r.Misplaced != nil {
		return &InvalidError{
			What: "view " + r.Name.String(), Problem: fmt.Sprintf("generation %d of it is in force, and redcache.generation says that it belongs to set %d, "+
				"which has not taken effect", r.Generation, *r.Misplaced),
			Fix: fmt.Sprintf("UPDATE redcache.generation SET set_id = NULL WHERE view_id = %d AND number = %d; that set is not whose it is. "+
				"Readers have its rows until then.", r.ID, r.Generation),
		}
	}
	what, err := "definition", r.Definition.err
	if err == nil {
		what, err = "columns", r.Columns.err
	}
	if err == nil {
		return nil
	}
	why := err.Error()
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		why = "it has " + indefinite(wrong.Value)
		if field := strings.TrimPrefix(wrong.Field, "fields."); field != "" { // how Go names what is embedded
			why = "field " + field + " is " + indefinite(wrong.Value)
		}
	}
	return &InvalidError{
		What: "view " + r.Name.String(), Problem: fmt.Sprintf("its stored %s cannot be read: %s", what, infra.Bounded(why)),
		Fix: fmt.Sprintf("Drop it with %s and add it again; or correct %s of redcache.generation WHERE view_id = %d AND number = %d; "+
			"docs/definitions.md has the fields.", infra.Command("cachectl", "drop-view", r.Name.String()), what, r.ID, r.Generation),
	}
}

// indefinite is a kind of value with its article, and no more of the value than tells it.
func indefinite(kind string) string {
	if strings.IndexByte("aeiou", kind[0]) >= 0 {
		return "an " + kind
	}
	const enough = 40
	if len(kind) > enough {
		kind = kind[:enough] + "…"
	}
	return "a " + kind
}
