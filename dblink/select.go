package dblink

import (
	"fmt"
	"strings"

	"github.com/redcache/redcache/redshift"

	"github.com/redcache/redcache/sql"
)

// Select builds the local statement that reads a [redshift.Select] through the link and gives its columns their names
// and types. extSchema is where dblink lives, see [Extensions].
func Select(extSchema, server string, columns []redshift.Column, remoteSQL string) string {
	var list, wire strings.Builder
	for i, c := range columns {
		if i > 0 {
			list.WriteString(", ")
			wire.WriteString(", ")
		}
		name := sql.Ident(c.Name)
		list.WriteString(c.Type.Locally("t."+name) + " AS " + name)
		wire.WriteString(name + " " + c.Type.Wire())
	}
	return fmt.Sprintf("SELECT %s FROM %s AS t(%s)",
		list.String(), Call(extSchema, "dblink", sql.Literal(server), sql.Literal(remoteSQL)), wire.String())
}
