package redshift

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// leaveUntyped finds the columns that are texts in the temporary table, and untyped literals, or no texts at all, in the
// query: what Redshift does not let be worked on as a text is read as it is.
func leaveUntyped(ctx context.Context, s Source, query string, columns []Column) error {
	var texts []int
	for i, c := range columns {
		if c.Type.link.sent == stripNUL {
			texts = append(texts, i)
		}
	}
	found, err := noTexts(ctx, s, query, columns, texts)
	for _, i := range found {
		columns[i].RemoteType, columns[i].Type = untyped, typeOf(untyped)
	}
	return err
}

// noTexts returns those of some columns that are no texts to Redshift. Each half is asked for again until they are found.
func noTexts(ctx context.Context, s Source, query string, columns []Column, among []int) ([]int, error) {
	if len(among) == 0 {
		return nil, nil
	}
	list := make([]string, len(among))
	for i, n := range among {
		name, err := Ident(columns[n].Name)
		if err != nil {
			return nil, err
		}
		list[i] = columns[n].Type.Remotely("q." + name)
	}
	_, err := s.Rows(ctx, Over(strings.Join(list, ", "), query, " LIMIT 0"), len(among))
	switch {
	case ctx.Err() != nil:
		return nil, err
	case !isNoText(err):
		return nil, nil // what else is wrong shows when the rows are read
	case len(among) == 1:
		return among, nil
	}
	half := len(among) / 2
	left, err := noTexts(ctx, s, query, columns, among[:half])
	if err != nil {
		return nil, err
	}
	right, err := noTexts(ctx, s, query, columns, among[half:])
	return append(left, right...), err
}

// isNoText tells that Redshift does not take a value as a text. Its own error has no SQLSTATE that says so.
func isNoText(err error) bool {
	var remote *pgconn.PgError
	if !errors.As(err, &remote) {
		return false
	}
	return strings.Contains(remote.Message, "failed to find conversion function") ||
		remote.Code == "42883" && strings.Contains(remote.Message, "replace(")
}
