package redshift

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strconv"
)

// UnhashableError says that a column's changes cannot be seen in a fingerprint, so that the query has to be read in full.
// [FingerprintSQL] and [Fingerprint] return it.
type UnhashableError struct {
	Column string
	Type   string
}

// Error implements error.
func (e *UnhashableError) Error() string {
	return fmt.Sprintf("column %q has type %s, whose values Redshift cannot hash", e.Column, e.Type)
}

// Hint says how to make the query comparable.
func (e *UnhashableError) Hint() string {
	return fmt.Sprintf("Cast it in the query: (%s)::varchar AS %s.", e.Column, e.Column)
}

// Fingerprint returns a text that stays the same while the rows of a query do, whatever their order, and changes with
// them: an insert, an update, a delete, a row that comes twice, two rows that swap a value. Redshift reads the query
// for it and sends one row; it has the result cached when nothing has changed. The text also covers the columns and the
// query, and compares equal only with one that the same statement made. That two different contents have the same
// fingerprint is as likely as one 64-bit hash meeting another.
//
// The fingerprint is of what the tables held when the statement began: an unchanged cache is as new as a clock that was
// read before the call. The error is an [*UnhashableError] or what the source said.
func Fingerprint(ctx context.Context, src Source, columns []Column, query, watermark string) (string, error) {
	sql, err := FingerprintSQL(columns, query, watermark)
	if err != nil {
		return "", err
	}
	rows, err := src.Rows(ctx, sql, 3)
	if err != nil {
		return "", fmt.Errorf("fingerprint query: %w", err)
	}
	if len(rows) != 1 {
		return "", fmt.Errorf("fingerprint query: got %d rows, want 1", len(rows))
	}
	// The watermark is a value of the source, which does not belong into catalogs and logs.
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%q %q", sql, deref(rows[0][1]), deref(rows[0][2])))
	return fmt.Sprintf("%s rows, %x", deref(rows[0][0]), sum[:16]), nil
}

// FingerprintSQL builds the statement behind [Fingerprint]: one row with the number of rows, the highest watermark
// (NULL when watermark is empty) and the sum of the rows' hashes. A sum does not depend on the order, and unlike an XOR
// it counts a row twice that comes twice; as NUMERIC(38,0) it cannot overflow.
//
// A row's hash is FNV-1a over all columns: each call takes the one before as its seed, so that the statement grows with
// the number of columns and no faster. FNV_HASH goes on where its seed stopped (FNV_HASH('cd', FNV_HASH('ab')) is
// FNV_HASH('abcd')), so what is hashed is one string of bytes, and it must tell where a value ends. Therefore four
// bytes go before each value, an INTEGER: the length of a text in bytes, or -1 for NULL; for a value of fixed length 1
// for NULL, else 0. Whoever reads the bytes from the front then knows after each INTEGER how many follow, and so two
// different rows have different bytes: ('a','b') is not ('ab',”), and NULL is neither empty nor zero. What FNV_HASH
// makes of NULL is not documented, so it never gets one: a zero of the type stands in.
//
// Texts are hashed as they travel, without zero bytes, at which a hash might stop as libpq does.
func FingerprintSQL(columns []Column, query, watermark string) (string, error) {
	columns, query = typed(columns, query)
	hash, err := rowHash(columns)
	if err != nil {
		return "", err
	}
	highest := "NULL::varchar"
	if watermark != "" {
		name, err := Ident(watermark)
		if err != nil {
			return "", fmt.Errorf("watermark %q: %w", watermark, err)
		}
		highest = "MAX(q." + name + ")"
	}
	return Over(fmt.Sprintf("COUNT(*), %s, SUM(%s::NUMERIC(38,0))", highest, hash), query, ""), nil
}

// Summary is what a snapshot holds: the number of its rows, and the sum of their hashes modulo 2^64. Rows that were read
// in parts, each with its hash ([HashedSelect]), are those of the snapshot when both agree.
type Summary struct {
	Rows int64
	Sum  uint64
}

// Summarize has the source compute the summary of a query's rows. The error is an [*UnhashableError] or what the source
// said.
func Summarize(ctx context.Context, src Source, columns []Column, query string) (Summary, error) {
	sql, err := FingerprintSQL(columns, query, "")
	if err != nil {
		return Summary{}, err
	}
	rows, err := src.Rows(ctx, sql, 3)
	if err != nil {
		return Summary{}, fmt.Errorf("summarize query: %w", err)
	}
	if len(rows) != 1 {
		return Summary{}, fmt.Errorf("summarize query: got %d rows, want 1", len(rows))
	}
	count, countErr := strconv.ParseInt(deref(rows[0][0]), 10, 64)
	sum, ok := new(big.Int).SetString(cmp.Or(deref(rows[0][2]), "0"), 10)
	if countErr != nil || !ok {
		return Summary{}, errors.New("summarize query: the answer is no number")
	}
	const bits = 64
	return Summary{count, sum.Mod(sum, new(big.Int).Lsh(big.NewInt(1), bits)).Uint64()}, nil
}

// rowHash is an expression for the hash of a row of q.
func rowHash(columns []Column) (hash string, err error) {
	for _, c := range columns {
		name, err := Ident(c.Name)
		if err != nil {
			return "", fmt.Errorf("column %q: %w", c.Name, err)
		}
		if c.Type.hash == unhashable {
			return "", &UnhashableError{Column: c.Name, Type: c.RemoteType}
		}
		for _, template := range []string{c.Type.hash.head, c.Type.hash.value} {
			part := apply(template, "q."+name)
			if hash != "" {
				part += ", " + hash
			}
			hash = "FNV_HASH(" + part + ")"
		}
	}
	return hash, nil
}

// hashForm has the templates of what FNV_HASH gets for a column: an INTEGER that says how long the value is and whether it
// is NULL, and the value.
type hashForm struct{ head, value string }

// unhashable are types that are no basic ones, as geometries and sketches, or that cannot be made VARCHAR on Redshift, as
// those of catalogs and literals that have none.
var unhashable hashForm

// flags are hashed as integers.
var flags = hashForm{"0", "CASE WHEN %s THEN 2 WHEN NOT %s THEN 1 ELSE 0 END"}

// fixed hashes a type of a fixed length, with what stands in for NULL.
func fixed(zero string) hashForm {
	return hashForm{"CASE WHEN %s IS NULL THEN 1 ELSE 0 END", "COALESCE(%s, " + zero + ")"}
}

// texts hashes what a template makes the text of a value.
func texts(template string) hashForm {
	return hashForm{"COALESCE(OCTET_LENGTH(" + template + "), -1)", "COALESCE(" + template + ", '')"}
}
