package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
)

// customary are settings that [infra.Pins] has and that many servers have otherwise, for good reasons.
var customary = []string{
	"search_path", "DateStyle", "TimeZone", "timezone_abbreviations", "extra_float_digits", "client_min_messages",
	"transaction_timeout",
}

// beyond are settings that no transaction can pin, since only a superuser may set them, or since they act on whoever
// reads; with the values, by their beginnings, that are as they should be.
var beyond = []struct {
	name   string
	wanted []string
	result Result
	means  string
}{
	{"session_replication_role", []string{"origin"}, Failed, "foreign keys and triggers of this role's tables do nothing"},
	{"zero_damaged_pages", []string{"off"}, Failed, "a damaged page counts as an empty one: rows go without a word"},
	{"ignore_checksum_failure", []string{"off"}, Failed, "damaged rows count as good ones"},
	{"default_transaction_read_only", []string{"off"}, Warning, "somebody may want nothing to be written here; refreshes write"},
	{"default_table_access_method", []string{"heap"}, Warning, "copies are kept in a way that nobody has tried with them"},
	{
		"lc_messages",
		[]string{"", "C", "C.UTF-8", "C.utf8", "POSIX", "en"},
		Warning,
		"why a connection to Redshift fails is told less exactly, since that is read from PostgreSQL's own words",
	},
}

// inForce is a setting as a session begins with it.
type inForce struct {
	Name  string
	Value string
	Boot  string // what the server has if nobody says anything
}

// examineUnusual looks for settings that are not what statements are written for. What can be pinned is, by every
// transaction of ours, but other programs of the role, and readers, do not do that.
func examineUnusual(ctx context.Context, x *exam) ([]Check, error) {
	var names []string
	for _, p := range infra.Pins() {
		names = append(names, p.Name)
	}
	for _, b := range beyond {
		names = append(names, b.name)
	}
	// client_encoding begins as that of the database, which boot_val does not know.
	rows, err := x.tx.Query(ctx, `
		SELECT s.name, coalesce(s.reset_val, '') AS value,
		       CASE s.name WHEN 'client_encoding' THEN pg_catalog.current_setting('server_encoding')
		                   ELSE coalesce(s.boot_val, '') END AS boot
		FROM pg_catalog.pg_settings s
		WHERE s.name = ANY ($1::text[])
		ORDER BY s.name`, names)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[inForce])
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	var objections []Check
	for _, s := range found {
		if c, odd := judgeSetting(s); odd {
			objections = append(objections, c)
		}
	}
	return orOK(objections, cacheDatabase, "sessions begin with no setting that is out of the ordinary"), nil
}

func judgeSetting(s inForce) (Check, bool) {
	const fix = "See who sets it (\\drds in psql, pg_file_settings on the server), and whether it has to be: ALTER ROLE … " +
		"RESET %[1]s; or ALTER DATABASE … RESET %[1]s;"
	for _, b := range beyond {
		if s.Name != b.name {
			continue
		}
		usual := slices.ContainsFunc(b.wanted, func(wanted string) bool {
			return s.Value == wanted || wanted != "" && len(wanted) == 2 && strings.HasPrefix(s.Value, wanted)
		})
		c := warn(cacheDatabase, fmt.Sprintf("%s is %s: %s", s.Name, s.Value, b.means), fmt.Sprintf(fix, s.Name))
		c.Result = b.result
		return c, !usual
	}
	for _, p := range infra.Pins() {
		if s.Name == p.Name {
			odd := s.Value != p.Value && s.Value != s.Boot && !slices.Contains(customary, s.Name)
			return warn(cacheDatabase, fmt.Sprintf("%s is %q: the programs have %q, but readers and other programs may not "+
				"expect it", s.Name, s.Value, p.Value), fmt.Sprintf(fix, s.Name)), odd
		}
	}
	return Check{}, false
}
