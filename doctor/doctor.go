package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/lock"
)

// AWS answers where things are; *cloud.Client does.
type AWS interface {
	Cluster(ctx context.Context, region, id string) (cloud.Endpoint, error)
	Workgroup(ctx context.Context, region, name string) (cloud.Endpoint, error)
	Instance(ctx context.Context, region, id string) (cloud.Instance, error)
}

// Config says what a [Doctor] looks at, and with what.
type Config struct {
	// Link limits the examination to one link and its views, by its name; empty takes all.
	Link string
	// AWS is asked for zones and addresses, if the names of hosts say that they are AWS's. Nil: nothing is asked.
	AWS AWS
	// DatabaseHost is the cache database's host name, as it was connected to.
	DatabaseHost string
	// Resolve looks a host name up as this process sees it.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Now is this process's clock.
	Now func() time.Time
	// Idle is for how long a transaction may do nothing before it is reported; default 5 minutes.
	Idle time.Duration
	// Watched is for how long the counts of reads must have run before a view is said to be unread; default a day.
	Watched time.Duration
}

// How long things may take. A link's first connection is bounded by its connect_timeout of 10 s.
const (
	probeTimeout = 10 * time.Second
	linkTimeout  = 25 * time.Second
	awsTimeout   = 5 * time.Second
)

// linksAtOnce is how many links are examined side by side, each over one connection of the pool.
const linksAtOnce = 3

// Doctor examines one cache database.
type Doctor struct {
	pool     *pgxpool.Pool
	cfg      Config
	instance func() (cloud.Instance, error) // asked once
}

// New returns a doctor. The pool needs room for [Connections].
func New(pool *pgxpool.Pool, cfg Config) *Doctor {
	cfg.Idle = cmp.Or(cfg.Idle, 5*time.Minute)
	cfg.Watched = cmp.Or(cfg.Watched, 24*time.Hour)
	return &Doctor{pool: pool, cfg: cfg}
}

// Connections is how many connections an examination uses at once.
const Connections = 4

// Examine makes all checks, and returns them by theme. It fails only when ctx ends, or when there is no link of the
// name that the Config has, with a *[catalog.NotFoundError].
func (d *Doctor) Examine(ctx context.Context) ([]Check, error) {
	d.instance = sync.OnceValues(func() (cloud.Instance, error) { return d.askInstance(ctx) })
	checks := d.examinePooler(ctx)
	checks = append(checks, d.run(ctx, &exam{Doctor: d}, databaseProbes, replicationProbes)...)
	if !passed(checks, "catalog") {
		return checks, context.Cause(ctx)
	}
	x, err := d.load(ctx)
	if err != nil {
		if errors.As(err, new(*catalog.NotFoundError)) || ctx.Err() != nil {
			return checks, err
		}
		return append(checks, Check{
			ID: "catalog", Theme: Database, About: cacheDatabase, Result: Failed,
			Finding: "the catalog cannot be read: " + infra.Message(err), Fix: infra.Hint(err),
		}), nil
	}
	checks = append(checks, d.run(ctx, x, settingsProbes, storageProbes)...)
	checks = append(checks, d.examineLinks(ctx, x)...)
	checks = append(checks, d.run(ctx, x, viewProbes, rightsProbes)...)
	return checks, context.Cause(ctx)
}

// exam is what probes have at hand.
type exam struct {
	*Doctor
	tx        pgx.Tx // read-only; the probe's own
	views     []catalog.Status
	links     []catalog.Link
	rests     map[int32]catalog.LinkState
	published map[int32]catalog.Published
	now       time.Time // the database's clock when all that was read

	held      map[int32]lock.Holder // who has the lock of a view
	scheduled *time.Time            // when a worker or a Lambda last began a refresh
}

// probe makes one check.
type probe struct {
	id    string
	theme Theme
	// examine returns objections, or one value that says that there are none. Its error makes the check unknown.
	examine func(ctx context.Context, x *exam) ([]Check, error)
}

// run makes the checks of some lists of probes, each in a transaction of its own: one that fails spoils no other.
func (d *Doctor) run(ctx context.Context, x *exam, lists ...[]probe) []Check {
	var checks []Check
	for _, list := range lists {
		for _, p := range list {
			checks = append(checks, d.check(ctx, x, p)...)
		}
	}
	return checks
}

func (d *Doctor) check(ctx context.Context, x *exam, p probe) []Check {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var checks []Check
	err := d.reading(ctx, probeTimeout, func(tx pgx.Tx) (err error) {
		own := *x
		own.tx = tx
		checks, err = p.examine(ctx, &own)
		return err
	})
	if err != nil && checks == nil {
		checks = []Check{undecided(cacheDatabase, err)}
	}
	return signed(checks, p)
}

// signed gives checks the name of their probe.
func signed(checks []Check, p probe) []Check {
	for i := range checks {
		checks[i].ID, checks[i].Theme = p.id, p.theme
	}
	return checks
}

// undecided is a check that could not be made.
func undecided(about string, err error) Check {
	return unknown(about, "it could not be checked: "+infra.Message(err), infra.Hint(err))
}

// reading runs fn in a transaction that sees one moment, and cannot change anything here.
func (d *Doctor) reading(ctx context.Context, limit time.Duration, fn func(tx pgx.Tx) error) error {
	return infra.InSnapshot(ctx, d.pool, infra.Limits{Statement: limit}, fn)
}

// load reads what the catalog knows, of one link if only that is asked for.
func (d *Doctor) load(ctx context.Context) (*exam, error) {
	x := &exam{Doctor: d, rests: map[int32]catalog.LinkState{}}
	err := d.reading(ctx, probeTimeout, func(tx pgx.Tx) error {
		store := catalog.In(tx)
		var err error
		if x.links, err = store.Links(ctx); err != nil {
			return err
		}
		if d.cfg.Link != "" {
			only, err := store.Link(ctx, d.cfg.Link)
			if err != nil {
				return err
			}
			x.links = []catalog.Link{only}
		}
		for _, l := range x.links {
			if x.rests[l.ID], err = store.LinkState(ctx, l.ID); err != nil {
				return err
			}
		}
		if err := tx.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(&x.now); err != nil {
			return fmt.Errorf("read clock: %w", err)
		}
		x.tx = tx
		if err := x.loadWorkers(ctx); err != nil {
			return err
		}
		if x.published, err = store.Published(ctx, nil); err != nil { // of the same moment: a swap may come at any other
			return err
		}
		all, err := store.Status(ctx)
		for _, s := range all {
			if d.cfg.Link == "" || s.View.Link.Name == d.cfg.Link {
				x.views = append(x.views, s)
			}
		}
		return err
	})
	return x, err
}

func passed(checks []Check, id string) bool {
	for _, c := range checks {
		if c.ID == id && c.Result != OK {
			return false
		}
	}
	return true
}
