package pgtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Statements are what a server has been sent for one database.
type Statements struct{ db *Database }

// LogStatements has the server log all statements of a database, from the next connection on.
func LogStatements(t testing.TB, db *Database) Statements {
	t.Helper()
	if err := db.Admin(t.Context(), "postgres", "ALTER DATABASE "+pgx.Identifier{db.Name}.Sanitize()+" SET log_statement = 'all'"); err != nil {
		t.Fatal(err)
	}
	return Statements{db}
}

// Until is how long the log is once it has all that has been done so far.
func (s Statements) Until(t testing.TB) int {
	t.Helper()
	from, err := s.db.LogLength()
	if err != nil {
		t.Fatal(err)
	}
	mark := fmt.Sprintf("SELECT 'mark %d of %s'", time.Now().UnixNano(), s.db.Name)
	if err := s.db.Admin(t.Context(), s.db.Name, mark); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		switch at := strings.Index(s.log(t, from), mark); {
		case at >= 0:
			return from + at
		case time.Now().After(deadline):
			t.Fatalf("%s is not in the log", mark)
		}
	}
}

func (s Statements) log(t testing.TB, from int) string {
	t.Helper()
	log, err := s.db.LogFrom(from)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

var (
	changing = regexp.MustCompile(`(?i)^(CREATE|DO|DROP|ALTER|COMMENT|GRANT|REVOKE|LOCK|REFRESH|ANALYZE|COPY|INSERT|UPDATE|DELETE|TRUNCATE)\b|` +
		`^WITH .*\b(INSERT INTO|UPDATE|DELETE FROM) |` +
		`^SELECT .* FROM "redcache_data"\."v\d*_g\d+" AS q\b`) // by a check, of which a plan tells as well
	// InCatalog is what writes into the catalog.
	InCatalog = regexp.MustCompile(`(?i)\b(INSERT INTO|UPDATE|DELETE FROM) redcache\.`)
	unlike    = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?|\bv\d+_g|--[^\n]*|\s+`)
)

// comparables keeps what [Comparable] has made of a text: most are sent many times.
var comparables sync.Map

// Comparable is a statement without what differs from one time to the next: the moment, the view's number. What a plan says
// in comments is not sent.
func Comparable(statement string) string {
	if known, is := comparables.Load(statement); is {
		return known.(string)
	}
	text := strings.TrimSpace(unlike.ReplaceAllStringFunc(statement, func(part string) string {
		switch {
		case strings.HasPrefix(part, "v"):
			return "v_g"
		case part[0] >= '0' && part[0] <= '9':
			return "MOMENT"
		}
		return " "
	}))
	comparables.Store(statement, text)
	return text
}

// Changing are the statements between two places of the log that change something, and were not taken back, [Comparable].
func (s Statements) Changing(t testing.TB, from, to int) []string {
	t.Helper()
	type savepoint struct {
		name string
		at   int // how many statements there were
	}
	type done struct{ backend, text string }
	var all []done
	open := map[string][]savepoint{} // by backend
	takeBack := func(backend string, at int) {
		for i := at; i < len(all); i++ {
			if all[i].backend == backend {
				all[i].text = ""
			}
		}
	}
	for _, s := range statements(s.log(t, from)[:to-from], s.db.Name) {
		if onlyLooks(s.text) { // as most do, in long texts
			continue
		}
		words := strings.Fields(strings.ReplaceAll(strings.ToLower(s.text), ";", " "))
		if len(words) == 0 {
			continue
		}
		points := open[s.backend]
		name := words[len(words)-1]
		known := slices.IndexFunc(points, func(s savepoint) bool { return s.name == name })
		switch {
		case words[0] == "begin":
			open[s.backend] = []savepoint{{"", len(all)}}
		case words[0] == "savepoint":
			open[s.backend] = append(points, savepoint{name, len(all)})
		case words[0] == "release" && known >= 0:
			open[s.backend] = points[:known]
		case words[0] == "rollback" && len(words) > 1 && known >= 0:
			takeBack(s.backend, points[known].at)
			open[s.backend] = points[:known]
		case words[0] == "rollback" && len(words) == 1 && len(points) > 0:
			takeBack(s.backend, points[0].at)
		case words[0] == "commit":
		default:
			if text := Comparable(s.text); changing.MatchString(text) {
				all = append(all, done{s.backend, text})
			}
		}
	}
	var texts []string
	for _, s := range all {
		if s.text != "" {
			texts = append(texts, s.text)
		}
	}
	return texts
}

// onlyLooks is of a statement that changes nothing, as can be told without taking it apart.
func onlyLooks(text string) bool {
	for strings.HasPrefix(text, "--") {
		_, text, _ = strings.Cut(text, "\n")
		text = strings.TrimSpace(text)
	}
	text = strings.ToUpper(text)
	switch verb, _, _ := strings.Cut(text, " "); strings.TrimSpace(verb) {
	case "SHOW":
		return true
	case "SELECT":
		return !strings.Contains(text, `" AS Q`)
	case "WITH":
		return !strings.Contains(text, "INSERT") && !strings.Contains(text, "UPDATE") && !strings.Contains(text, "DELETE")
	}
	return false
}

type statement struct{ backend, text string }

// statements are those of one database in a part of the log.
func statements(log, database string) (all []statement) {
	var text []string // of the last one
	ended := func() {
		if text != nil {
			all[len(all)-1].text, text = strings.Join(text, ""), nil
		}
	}
	for line := range strings.Lines(log) {
		if backend, first, is := entry(line, database); is {
			ended()
			all, text = append(all, statement{backend: backend}), []string{first}
			continue
		}
		if text != nil && strings.HasPrefix(line, "\t") {
			text = append(text, line)
		} else { // of another one, or the rest of what was written into
			ended()
		}
	}
	ended()
	return all
}

// entry takes the head of a statement in the log apart, "… UTC [backend] user@database LOG:  statement: text". It may stand in
// the midst of a line: what is longer than a pipe takes at once, others write into.
func entry(line, database string) (backend, text string, is bool) {
	before, after, is := strings.Cut(line, "@"+database+" LOG:  ")
	if !is {
		return "", "", false
	}
	how, text, is := strings.Cut(after, ": ")
	if how, _, _ = strings.Cut(how, " "); !is || how != "statement" && how != "execute" {
		return "", "", false
	}
	backend, _, is = strings.Cut(before[strings.LastIndexByte(before, '[')+1:], "]")
	return backend, text, is
}
