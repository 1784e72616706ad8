package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// ErrNotReady means that schema redcache is missing or older than this program. Ready returns it.
var ErrNotReady = errors.New("the catalog is not ready")

// ErrNewer means that a newer program has changed schema redcache, also under a running one. What this one would make of it
// is not known, so it must do nothing more.
var ErrNewer = errors.New("the catalog is of a newer version")

// Newest is the version of the catalog that this program was built for.
var Newest = len(migrations())

func migrations() []string {
	files, err := fs.Glob(sql.Migrations(), "*.sql")
	if err != nil {
		panic(err) // the pattern is in order
	}
	return files
}

// newer refuses a version that this program does not know.
func newer(version int) error {
	if version <= Newest {
		return nil
	}
	return infra.Hinted(fmt.Errorf("%w: schema redcache has version %d, this program knows version %d",
		ErrNewer, version, Newest), "Replace this program by a newer one, of the version that has "+
		"brought the schema there. This one changes nothing here.")
}

const insufficientPrivilege = "42501"

// Version returns the version of schema redcache; zero when there is none. It refuses one that this program does not know,
// with [ErrNewer], and one whose list of migrations nobody can have made.
func (s Store) Version(ctx context.Context) (int, error) {
	var exists bool
	var rows []int64
	err := s.db.QueryRow(ctx, `SELECT pg_catalog.to_regclass('redcache.schema_version') IS NOT NULL`).Scan(&exists)
	if err == nil && exists {
		const applied = `SELECT coalesce(pg_catalog.array_agg(DISTINCT v.version_id ORDER BY v.version_id), '{}')
			FROM redcache.schema_version v WHERE v.is_applied AND v.version_id <> 0` // which is how goose begins
		err = s.db.QueryRow(ctx, applied).Scan(&rows)
	}
	if err != nil {
		err = fmt.Errorf("read version of schema redcache: %w", err)
		if refused, is := errors.AsType[*pgconn.PgError](err); is && refused.Code == insufficientPrivilege {
			err = infra.Hinted(err, "The role of DATABASE_URL has to be the one that made schema redcache, or take its role (ALTER ROLE … SET role = …).")
		}
		return 0, err
	}
	for i, row := range rows {
		if row != int64(i)+1 {
			return 0, gap(rows)
		}
	}
	return len(rows), newer(len(rows))
}

func gap(rows []int64) error {
	texts := make([]string, len(rows))
	for i, row := range rows {
		texts[i] = strconv.FormatInt(row, 10)
	}
	return infra.Hinted(fmt.Errorf("%w: redcache.schema_version lists the migrations %s, and a catalog has each from 1 on",
		errTorn, joinSome(texts, 20)), "Somebody has changed that table. Give it back the row that is missing, or delete the one that no "+
		"migration has written, if you know that it is so; else restore the schemas redcache and redcache_data together.")
}

// Current checks that the catalog still has the version that this program was built for: `cachectl init` of another one may
// have run since. It costs two short statements.
func (s Store) Current(ctx context.Context) error {
	version, err := s.Version(ctx)
	if err != nil {
		return err
	}
	if err := s.Whole(ctx, version); err != nil {
		return err
	}
	if version < Newest {
		return infra.Hinted(fmt.Errorf("%w: schema redcache has version %d, this program needs %d",
			ErrNotReady, version, Newest), "Run `cachectl init`.")
	}
	return nil
}

// Explain says of a failure, where it is so, that the catalog is of another version by now. It must not be asked in the
// transaction that has failed.
func (s Store) Explain(ctx context.Context, err error) error {
	if !estranged(err) || errors.Is(err, ErrNewer) || errors.Is(err, ErrNotReady) {
		return err
	}
	if why := s.Current(ctx); Unfit(why) {
		return infra.Hinted(fmt.Errorf("%w: %w", why, err), infra.Hint(why))
	}
	return err
}

// estranged says whether a failure may be one of a statement that was written for another version: something that it names
// is not there, or of another type, or does not take what it writes.
func estranged(err error) bool {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		for _, class := range []string{"22", "23", "42", "55000"} {
			if strings.HasPrefix(refused.Code, class) {
				return true
			}
		}
	}
	return errors.As(err, new(pgx.ScanArgError))
}
