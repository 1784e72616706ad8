package main

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/cmd/internal/wire"
)

// The documented contract is what the program prints: the same fields, of the same types, in the same order.
func TestJSON_IsAsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := documentedFields(t, string(text))
	records := map[string]any{
		"link": linkRecord{}, "link test": linkTestRecord{}, "link step": linkStepRecord{}, "view": viewRecord{}, "column": columnRecord{},
		"run": wire.Run{}, "lock": lockRecord{}, "check": checkRecord{}, "step": stepRecord{},
		"grants audit": auditRecord{}, "grants source": sourceRecord{}, "grants reader": readerRecord{}, "grants change": grantsChangeRecord{},
		"removal": removalRecord{}, "change": changeRecord{}, "planned": plannedRecord{}, "field": fieldRecord{}, "use": useRecord{}, "compiled": compiledRecord{}, "rollback": rollbackRecord{}, "went back": wentBackRecord{}, "lineage": lineageRecord{}, "catalog": initRecord{}, "version": versionRecord{},
		"exported": exportedRecord{},
		"graph":    graphRecord{}, "graph node": nodeRecord{}, "graph edge": edgeRecord{},
		"impact": impactRecord{},
		"why":    whyRecord{},
	}
	for section, record := range records {
		got := documented[section]
		if diff := cmp.Diff(fieldsOf(t, record), got); diff != "" {
			t.Errorf("docs/json.md, %s: what the program prints and what is documented differ (-printed +documented):\n%s",
				section, diff)
		}
	}
	for section := range documented {
		if records[section] == nil {
			t.Errorf("docs/json.md documents %s, which the program does not print", section)
		}
	}
}

type field struct{ Name, Type string }

// documentedFields reads the tables below the headings of the third level.
func documentedFields(t *testing.T, text string) map[string][]field {
	t.Helper()
	sections, section := map[string][]field{}, ""
	for line := range strings.Lines(text) {
		if heading, found := strings.CutPrefix(line, "### "); found {
			section = strings.TrimSpace(heading)
		}
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		if strings.TrimSpace(cells[3]) == "" {
			t.Errorf("docs/json.md, %s: %s has no meaning", section, cells[1])
		}
		sections[section] = append(sections[section], field{strings.Trim(cells[1], " `"), strings.TrimSpace(cells[2])})
	}
	return sections
}

// fieldsOf reads the names of fields from what is really printed, and their types from the record.
func fieldsOf(t *testing.T, record any) []field {
	t.Helper()
	printed, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(record)) {
		types[f.Tag.Get("json")] = typeOf(t, f.Type)
	}
	var fields []field
	tokens := json.NewDecoder(bytes.NewReader(printed))
	if _, err := tokens.Token(); err != nil {
		t.Fatal(err)
	}
	for tokens.More() {
		name, err := tokens.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := tokens.Decode(&value); err != nil {
			t.Fatal(err)
		}
		fields = append(fields, field{name.(string), types[name.(string)]})
	}
	return fields
}

func typeOf(t *testing.T, typ reflect.Type) string {
	t.Helper()
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return "time"
	case typ == reflect.TypeFor[wire.Run]():
		return "run"
	case typ == reflect.TypeFor[nodeRecord]():
		return "graph node"
	case typ == reflect.TypeFor[edgeRecord]():
		return "graph edge"
	case typ == reflect.TypeFor[columnRecord]():
		return "column"
	case typ == reflect.TypeFor[linkStepRecord]():
		return "link step"
	case typ == reflect.TypeFor[lineageRecord]():
		return "lineage"
	case typ == reflect.TypeFor[wentBackRecord]():
		return "went back"
	case typ == reflect.TypeFor[sourceRecord]():
		return "grants source"
	case typ == reflect.TypeFor[fieldRecord]():
		return "field"
	case typ == reflect.TypeFor[useRecord]():
		return "use"
	case typ == reflect.TypeFor[readerRecord]():
		return "grants reader"
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return typeOf(t, typ.Elem()) + " or null"
	case reflect.Slice:
		return "array of " + typeOf(t, typ.Elem())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Struct:
		return "" // the embedded record
	}
	t.Fatalf("a record has a field of type %s", typ)
	return ""
}
