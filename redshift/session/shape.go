package session

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/redshift"
)

// checkShape compares what the server announces with what is to be read, column by column.
func checkShape(columns []codec, fields []pgconn.FieldDescription) error {
	if len(fields) != len(columns) {
		return &ShapeError{fmt.Sprintf("there are %d of them, and were %d", len(fields), len(columns))}
	}
	for i, c := range columns {
		if fields[i].Name != c.Name {
			return &ShapeError{fmt.Sprintf("column %d is %q, and was %q", i+1, fields[i].Name, c.Name)}
		}
		oid := fields[i].DataTypeOID
		if c.oid != 0 && oid != c.oid || c.oid == 0 && c.encode == nil && c.Type.Stream.Encoding != redshift.AsUntyped && scalar[oid] {
			return &ShapeError{fmt.Sprintf("column %q is no longer of type %s", c.Name, c.Type.Remote)}
		}
	}
	return nil
}

// scalar are the types whose values no text column can have had. A number may arrive as a text.
var scalar = func() map[uint32]bool {
	oids := map[uint32]bool{}
	for _, t := range redshift.EveryType() {
		if t.Stream.OID != 0 && t.Stream.Encoding != redshift.AsNumeric {
			oids[t.Stream.OID] = true
		}
	}
	return oids
}()

// checkFormats makes sure that the server does as it was asked.
func checkFormats(formats []int16, fields []pgconn.FieldDescription) error {
	for i, field := range fields {
		if field.Format != formats[i] {
			return &ProtocolError{fmt.Sprintf("column %q comes in format %d, not %d", field.Name, field.Format, formats[i])}
		}
	}
	return nil
}
