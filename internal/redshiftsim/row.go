package redshiftsim

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

// Postgres can store neither a NUL nor broken UTF-8 in text, and Redshift can. Whoever fills the engine stores a marker
// instead, and the stand-in puts the byte on the wire. CHR(0) in a client's SQL is the marker too.
const (
	NULMarker         = "\uf8fe" // becomes the byte 0x00
	InvalidByteMarker = "\uf8ff" // becomes the byte 0xFF
)

// redshiftTypes are the types that the engine got from [Prepare], with the OIDs that Redshift gives them.
var redshiftTypes = map[string]uint32{
	"super": 4000, "varbyte": 6551, "geometry": 3000, "geography": 3001, "hllsketch": 2935,
	"intervaly2m": 1188, "intervald2s": 1190, "redshift_unknown": 705,
}

// typeMap translates OIDs of types between the engine and the client.
type typeMap struct {
	client map[uint32]uint32 // by the engine's OID
	engine map[uint32]uint32 // by Redshift's OID
}

// field is a column of a result.
type field struct {
	oid    uint32
	format int16
}

func loadTypes(ctx context.Context, conn *pgx.Conn) (typeMap, error) {
	types := typeMap{client: map[uint32]uint32{}, engine: map[uint32]uint32{}}
	rows, err := conn.Query(ctx, `
		SELECT typname, oid
		FROM pg_catalog.pg_type
		WHERE typnamespace = 'pg_catalog'::regnamespace AND oid >= 16384`)
	if err != nil {
		return types, fmt.Errorf("read engine types: %w", err)
	}
	var name string
	var oid uint32
	_, err = pgx.ForEachRow(rows, []any{&name, &oid}, func() error {
		if redshift, ok := redshiftTypes[name]; ok {
			types.client[oid] = redshift
			types.engine[redshift] = oid
		}
		return nil
	})
	if err != nil {
		return types, fmt.Errorf("read engine types: %w", err)
	}
	if len(types.client) < len(redshiftTypes) {
		return types, fmt.Errorf("engine has %d of %d Redshift types: run Prepare on it",
			len(types.client), len(redshiftTypes))
	}
	return types, nil
}

func (m typeMap) toClient(oids []uint32) []uint32 { return translateOIDs(oids, m.client) }

func (m typeMap) toEngine(oids []uint32) []uint32 { return translateOIDs(oids, m.engine) }

func translateOIDs(oids []uint32, by map[uint32]uint32) []uint32 {
	translated := make([]uint32, len(oids))
	for i, oid := range oids {
		translated[i] = oid
		if other, ok := by[oid]; ok {
			translated[i] = other
		}
	}
	return translated
}

// field gives a column its Redshift type.
func (m typeMap) field(described *pgproto3.FieldDescription) field {
	if oid, ok := m.client[described.DataTypeOID]; ok {
		described.DataTypeOID = oid
	}
	return field{oid: described.DataTypeOID, format: described.Format}
}

// holdsText reports whether the two formats of a column's values are both plain text.
func (f field) holdsText() bool {
	switch f.oid {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, 705, 4000:
		return true
	}
	return false
}

// translateRow rewrites the values that Redshift sends in another form.
func (ses *session) translateRow(row *pgproto3.DataRow) {
	fields := ses.fields
	if head := ses.head(); head.kind == owesExecute {
		fields = ses.portals[head.portal]
	}
	for i, value := range row.Values {
		switch {
		case i >= len(fields) || value == nil:
		case fields[i].oid == pgtype.NameOID:
			row.Values[i] = []byte(ses.server.names.restore(string(value)))
		case fields[i].holdsText():
			row.Values[i] = unmark(value)
		case fields[i].oid == pgtype.NumericOID && fields[i].format == pgproto3.BinaryFormat:
			row.Values[i] = scaledInteger(value)
		default:
			row.Values[i] = ses.floats.print(fields[i], value)
		}
	}
}

// unmark puts bytes for the markers.
func unmark(value []byte) []byte {
	if !bytes.Contains(value, []byte(NULMarker[:2])) {
		return value
	}
	value = bytes.ReplaceAll(value, []byte(NULMarker), []byte{0})
	return bytes.ReplaceAll(value, []byte(InvalidByteMarker), []byte{0xff})
}

// scaledInteger turns the engine's binary numeric into Redshift's: the digits as one big-endian integer of 8 bytes, or
// 16 when they do not fit. A client that takes it for Postgres' layout reads nonsense, as from a cluster.
func scaledInteger(value []byte) []byte {
	const header, base = 8, 10_000
	if len(value) < header {
		return value
	}
	weight := int(int16(binary.BigEndian.Uint16(value[2:])))
	scale := int(binary.BigEndian.Uint16(value[6:]))
	n := new(big.Int)
	groups := weight + 1 + (scale+3)/4 // of four digits, before and after the point
	for i := range max(groups, 0) {
		n.Mul(n, big.NewInt(base))
		if at := header + 2*i; at+2 <= len(value) {
			n.Add(n, big.NewInt(int64(binary.BigEndian.Uint16(value[at:]))))
		}
	}
	if surplus := (scale+3)/4*4 - scale; surplus > 0 {
		n.Quo(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(surplus)), nil))
	}
	if negative := binary.BigEndian.Uint16(value[4:]) == 0x4000; negative {
		n.Neg(n)
	}
	if n.IsInt64() {
		return binary.BigEndian.AppendUint64(nil, uint64(n.Int64()))
	}
	wide := new(big.Int).And(n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1)))
	return wide.FillBytes(make([]byte, 16))
}
