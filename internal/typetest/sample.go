// Package typetest has values of every type of the table of types, so that tests can take each row through what uses it.
package typetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redcache/redcache/redshift"
)

// Sample is a type with values that the stand-in holds.
type Sample struct {
	redshift.Type
	On     string   // the type of a column of the stand-in
	Values []string // different ones, as literals; some are equal all the same
	Known  bool     // the stand-in has the type, and tells it as Redshift does
}

// Samples are those of all rows, in their order. A row without one fails the test.
func Samples(t testing.TB) []Sample {
	t.Helper()
	all := make([]Sample, 0, len(samples))
	for _, typ := range redshift.EveryType() {
		s, found := samples[typ.Remote]
		if !found {
			t.Errorf("type %s has no sample", typ.Remote)
			continue
		}
		s.Type = typ
		all = append(all, s)
	}
	if len(all) != len(samples) && !t.Failed() {
		t.Errorf("there are %d samples, and %d types", len(samples), len(all))
	}
	return all
}

// Table is a statement that makes a table of the values, with the numbers of the rows. The last row is NULL.
func (s Sample) Table(name string) string {
	rows := make([]string, len(s.Values))
	for i, value := range s.Values {
		rows[i] = fmt.Sprintf("(%d, (%s)::%s)", i+1, value, s.On)
	}
	return fmt.Sprintf("CREATE TABLE %[1]s (id int, v %[2]s); INSERT INTO %[1]s VALUES %[3]s, (%[4]d, NULL)",
		name, s.On, strings.Join(rows, ", "), len(rows)+1)
}

func known(on string, values ...string) Sample { return Sample{On: on, Values: values, Known: true} }

// carried is a type that the stand-in does not have, or not in tables; another one carries its values.
func carried(on string, values ...string) Sample { return Sample{On: on, Values: values} }

// samples are by the name that [redshift.EveryType] tells.
var samples = map[string]Sample{
	"boolean":                     known("boolean", "true", "false"),
	"smallint":                    known("smallint", "1", "(-32768)"),
	"integer":                     known("integer", "0", "2147483647"),
	"bigint":                      known("bigint", "1", "9223372036854775807"),
	"numeric":                     known("numeric", "1.0", "1.00", "'NaN'", "12345678901234567890.5"),
	"numeric(18,4)":               known("numeric(18,4)", "1", "99999999999999.9999", "(-0.0001)"),
	"real":                        known("real", "'0'", "'-0'", "'NaN'", "'1e-45'", "1000 + 2.0 ^ -14", "1000 + 2.0 ^ -13"),
	"double precision":            known("float8", "'0'", "'-0'", "'Infinity'", "0.1::float8 + 0.2::float8"),
	"date":                        known("date", "'2024-02-29'", "'4713-01-01 BC'", "'infinity'"),
	"time without time zone":      known("time", "'00:00'", "'24:00'", "'12:34:56.789012'"),
	"time with time zone":         known("timetz", "'12:00+00'", "'13:00+01'", "'24:00+12'"),
	"timestamp without time zone": known("timestamp", "'2024-02-29 12:00'", "'2024-02-29 12:00:00.000001'", "'-infinity'"),
	"timestamp with time zone":    known("timestamptz", "'2024-07-01 12:00+02'", "'2024-07-01 12:00+00'", "'infinity'"),
	"interval":                    known("interval", "'1 day'", "'24 hours'", "'1 mon'", "'30 days'"),
	"interval year to month":      known("intervaly2m", "'1 years 2 mons'", "'-1-2'"),
	"interval day to second":      known("intervald2s", "'1 days 00:00:00'", "'0 days 24:00:00'", "'1 02:03:04'"),

	"character varying":     known("varchar", "''", "'a'", "'a '", "'ü🚀'"),
	"character varying(10)": carried("varchar(10)", "''", "'a'", "'a '", "'ü🚀'"),
	"character":             known("bpchar", "'ab'", "'a'", "''"),
	"character(10)":         carried("char(10)", "'ab'", "'a'", "''"),
	"bpchar(10)":            known("char(10)", "'ab'", "'a'", "'0123456789'"),
	`"unknown"`:             carried("varchar", "'bare'", "'other'"),

	"super":       known("super", `'{"a": 1}'`, `'{"a": 1.0}'`, `'null'`, `'[1, "ü"]'`),
	"varbyte":     known("varbyte(20)", "'00ff'", "'00FFab'", "''"),
	"geometry":    known("geometry", "'0101'", "'0102'"),
	"geometryhex": carried("varchar", "'0101'", "'0102'"),
	"geography":   known("geography", "'0101'", "'0102'"),
	"hllsketch":   known("hllsketch", `'{"logm":15}'`, "'AQID'"),

	"tid":        known("tid", "'(1,2)'", "'(1,3)'"),
	"regproc":    known("regproc", "'now'", "'getdate'"),
	"int2vector": known("int2vector", "'1 2'", "'2 1'"),
	"oidvector":  known("oidvector", "'3 4'", "'4 3'"),
	"smgr":       carried("varchar", "'magnetic disk'", "'main memory'"),

	"unknown": carried("varchar", "'a'", "'b'"),
	"name":    known("name", "'pg_class'", "'größe'"),
	`"char"`:  known(`"char"`, "'x'", "'y'"),
	"aclitem": carried("varchar", "'a=r/b'", "'a=w/b'"), "useritem": carried("varchar", "'a'", "'b'"),
	"roleitem":                          carried("varchar", "'a'", "'b'"),
	"information_schema.sql_identifier": known("information_schema.sql_identifier", "'a'", "'b'"),
	"sql_identifier":                    carried("information_schema.sql_identifier", "'a'", "'b'"),
	"information_schema.character_data": known("information_schema.character_data", "'a'", "'b'"),
	"character_data":                    carried("information_schema.character_data", "'a'", "'b'"),
	"information_schema.yes_or_no":      known("information_schema.yes_or_no", "'YES'", "'NO'"),
	"yes_or_no":                         carried("information_schema.yes_or_no", "'YES'", "'NO'"),

	"oid": known("oid", "'1'", "'4294967295'"), "xid": known("xid", "'7'", "'8'"), "cid": known("cid", "'7'", "'8'"),
	"information_schema.cardinal_number": known("information_schema.cardinal_number", "1", "2147483647"),
	"cardinal_number":                    carried("integer", "1", "2147483647"),
	"abstime":                            carried("timestamptz", "'2024-07-01 12:00+00'", "'1999-12-31 12:00+00'"),
	"information_schema.time_stamp":      known("information_schema.time_stamp", "'2024-07-01 12:00+00'", "'1999-12-31 12:00+00'"),
	"time_stamp":                         carried("timestamptz", "'2024-07-01 12:00+00'", "'1999-12-31 12:00+00'"),
}
