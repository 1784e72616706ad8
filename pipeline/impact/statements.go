package impact

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

const extension = "pg_stat_statements"

type statementRow struct {
	Role  string
	Calls int64
	Query string
}

// statements are those that pg_stat_statements has, or why it was not asked.
func statements(ctx context.Context, db catalog.DB, losses []Loss) (uses []Use, notes []string, err error) {
	schema, all, err := statementsAt(ctx, db)
	switch {
	case err != nil:
		return nil, nil, err
	case schema == "":
		return nil, []string{extension + " is not installed in this database: statements of applications were not looked at"}, nil
	case !all:
		notes = []string{"only statements of this role were looked at: GRANT pg_read_all_stats to it shows those of applications"}
	}
	query := strings.Replace(sql.MentioningStatements, "(/* statements */)", sql.Ident(schema, extension), 1)
	rows, err := db.Query(ctx, query, namesOf(losses), most)
	var found []statementRow
	if err == nil {
		found, err = pgx.CollectRows(rows, pgx.RowToStructByName[statementRow])
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok { // it was not loaded when the server began, or is not ours to read
		return nil, []string{"statements of applications were not looked at: " + infra.BoundedMessage(pg.Message)}, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("look which statements name the views: %w", err)
	}
	for _, row := range found {
		text, asks := shownStatement(row.Query)
		if !asks {
			continue
		}
		words := wordsOf(row.Query)
		for _, l := range losses {
			if columns, found := words.use(l); found {
				uses = append(uses, Use{Of: l.View, By: ByStatement, Kind: "statement", Name: text, Columns: columns, Role: row.Role, Calls: row.Calls})
			}
		}
	}
	return uses, notes, nil
}

// statementsAt says in which schema the extension's view is, if there is one, and whether it shows what others ask.
func statementsAt(ctx context.Context, db catalog.DB) (schema string, all bool, err error) {
	err = db.QueryRow(ctx, `
		SELECT n.nspname::text, pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
		FROM pg_catalog.pg_extension e
		JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
		    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e'
		JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relname = e.extname
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE e.extname = $1`, extension).Scan(&schema, &all)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look for %s: %w", extension, err)
	}
	return schema, all, nil
}

var (
	// asking is what a statement begins with that reads, after its comments.
	asking = regexp.MustCompile(`(?is)^(?:\s|\(|/\*.*?\*/|--[^\n]*\n)*\b((?:select|with|insert|update|delete|merge|table|values|declare|copy|prepare|explain)\b.*)$`)
	// valued is where the first value begins. Most statements have none, since PostgreSQL takes them out.
	valued = regexp.MustCompile(`'|\$(?:\D|$)|--|/\*|(?:^|[^\w$"])\d`)
	blanks = regexp.MustCompile(`\s+`)
)

// shownStatement is a statement in one line, up to its first value or comment, if it is one that reads.
func shownStatement(query string) (text string, asks bool) {
	found := asking.FindStringSubmatch(query)
	if found == nil {
		return "", false
	}
	text, cut := found[1], ""
	if at := valued.FindStringIndex(text); at != nil {
		text, cut = text[:at[0]], " …"
	}
	text = strings.TrimSpace(blanks.ReplaceAllString(text, " "))
	const longest = 200
	if runes := []rune(text); len(runes) > longest {
		text, cut = string(runes[:longest]), "…"
	}
	return text + cut, true
}
