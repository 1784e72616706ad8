package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/internal/redshiftsim/customers"
	"github.com/redcache/redcache/internal/redshiftsim/tickit"
)

const (
	login    = "cache_ro"
	password = "a demo's password"
)

// view is one cached view of the demo.
type view struct {
	name, query string
	flags       []string
}

// views has a view for each strategy; the last two are a group, which is swapped as one.
var views = []view{
	{
		name:  "bi.sales_by_category",
		query: "SELECT c.catname, count(*) AS sales, sum(s.pricepaid) AS revenue FROM tickit.sales s JOIN tickit.event e ON e.eventid = s.eventid JOIN tickit.category c ON c.catid = e.catid GROUP BY c.catname",
		flags: []string{"--strategy", "nonconcurrent", "--every", "4s", "--max-age", "30s"},
	},
	{
		name:  "bi.users",
		query: "SELECT userid, username, firstname, lastname, city, state FROM tickit.users",
		flags: []string{"--strategy", "concurrent", "--key", "userid", "--every", "5s", "--max-age", "30s", "--index", "state, city"},
	},
	{
		name:  "bi.sales",
		query: "SELECT salesid, listid, sellerid, buyerid, eventid, qtysold, pricepaid, saletime, updated_at FROM tickit.sales",
		flags: []string{
			"--strategy", "incremental", "--key", "salesid", "--watermark", "updated_at", "--lookback", "1m",
			"--reconcile-every", "15s", "--every", "2s", "--max-age", "20s", "--index", "eventid",
		},
	},
	{
		name:  "bi.events",
		query: "SELECT eventid, catid, eventname, starttime FROM tickit.event",
		flags: []string{"--strategy", "merge", "--key", "eventid", "--skip-unchanged", "content", "--every", "5s", "--max-age", "30s"},
	},
	{
		name:  "bi.buyers",
		query: "SELECT buyerid, count(*) AS sales, sum(pricepaid) AS spent FROM tickit.sales GROUP BY buyerid",
		flags: []string{"--strategy", "auto", "--key", "buyerid", "--every", "4s", "--max-age", "30s"},
	},
	{
		name:  "bi.revenue",
		query: "SELECT sum(pricepaid) AS revenue FROM tickit.sales",
		flags: []string{"--strategy", "swap", "--group", "books", "--every", "5s", "--max-age", "30s"},
	},
	{
		name:  "bi.revenue_by_day",
		query: "SELECT saletime::date AS day, sum(pricepaid) AS revenue FROM tickit.sales GROUP BY 1",
		flags: []string{"--strategy", "swap", "--group", "books", "--key", "day", "--every", "5s", "--max-age", "30s"},
	},
}

// example is a directory of views, the last of which is computed from the others in the cache.
const example = "examples/customer-health"

// health is what the last view of the example comes to, as Redshift would say it.
var health = view{name: "public.mv_customer_health", query: `SELECT l.user_id, l.lifetime_value * s.score * e.touchpoints AS health_score
FROM (SELECT o.user_id, sum(CAST(substring(i.amount, 2) AS decimal(12, 2))) AS lifetime_value
      FROM billingdb.orders o JOIN billingdb.invoices i ON i.user_id = o.user_id WHERE i.status <> 'Pending' GROUP BY o.user_id) l
JOIN (SELECT t.user_id, avg(m.satisfaction_rating_score) AS score
      FROM zendesk.tickets t JOIN zendesk.ticket_metrics m ON m.ticket_id = t.id GROUP BY t.user_id) s ON s.user_id = l.user_id
JOIN (SELECT a.user_id, count(*) AS touchpoints
      FROM webevents.mv_siteactivity a JOIN deviceevents.mv_heartbeat h ON h.user_id = a.user_id GROUP BY a.user_id) e ON e.user_id = l.user_id`}

// world is all that the demo runs on.
type world struct {
	bin         string
	source      *pgtest.Cluster
	cache       *pgtest.Cluster
	warehouse   *redshiftsim.Server
	engine      *pgxpool.Pool
	warehouseDB string
	cacheURL    string
}

// build makes the world with everything in it but the worker.
func build(ctx context.Context, bin string) (_ *world, err error) {
	w := &world{bin: bin}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	say("starting a stand-in for Redshift, with sample data")
	if err = w.startSource(ctx); err != nil {
		return nil, err
	}
	say("starting a cache database")
	if w.cache, err = pgtest.Start(ctx, pgtest.Config{}); err != nil {
		return nil, err
	}
	name, err := w.cache.CreateDatabase(ctx)
	if err != nil {
		return nil, err
	}
	w.cacheURL = w.cache.OwnerURL(name)
	return w, w.provision(ctx)
}

func (w *world) startSource(ctx context.Context) (err error) {
	if w.source, err = pgtest.Start(ctx, pgtest.Config{}); err != nil {
		return err
	}
	if w.warehouseDB, err = w.source.CreateDatabase(ctx); err != nil {
		return err
	}
	engineURL := w.source.AdminURL(w.warehouseDB)
	if err = redshiftsim.Prepare(ctx, engineURL); err != nil {
		return err
	}
	if err = tickit.Load(ctx, engineURL, tickit.Options{Sales: 50_000}); err != nil {
		return err
	}
	if w.engine, err = pgxpool.New(ctx, engineURL); err != nil {
		return err
	}
	if err = customers.Load(ctx, w.engine); err != nil {
		return err
	}
	w.warehouse, err = redshiftsim.Start(ctx, redshiftsim.Config{
		EngineURL: engineURL, Users: map[string]string{login: password},
	})
	return err
}

// provision does what an operator does.
func (w *world) provision(ctx context.Context) error {
	commands := [][]string{
		{"init"},
		{
			"link", "add", "dw", "--host", w.warehouse.Host(), "--port", strconv.Itoa(w.warehouse.Port()),
			"--database", w.warehouseDB, "--user", login, "--password-env", "DW_PASSWORD",
		},
	}
	for _, v := range views {
		commands = append(commands, append([]string{"add-view", v.name, "--link", "dw", "--query", v.query}, v.flags...))
	}
	commands = append(commands, []string{"compile", example}, []string{"apply", example}, []string{"graph"})
	for _, args := range commands {
		fmt.Println("\n$ cachectl", strings.Join(quoted(args), " "))
		if err := w.command(ctx, "cachectl", args...).Run(); err != nil {
			return fmt.Errorf("cachectl %s: %w", args[0], err)
		}
	}
	return nil
}

func quoted(args []string) []string {
	shown := make([]string, len(args))
	for i, arg := range args {
		if shown[i] = arg; strings.ContainsAny(arg, " *(") {
			shown[i] = "'" + arg + "'"
		}
	}
	return shown
}

// command prepares one of the product's programs.
func (w *world) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(w.bin, name), args...)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+w.cacheURL, "DW_PASSWORD="+password)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

// process is the running worker.
type process struct{ cmd *exec.Cmd }

func (w *world) startWorker() (*process, error) {
	say("starting the worker")
	cmd := w.command(context.Background(), "worker")
	// Its own group, so that Ctrl-C reaches the demo only, and the worker is stopped in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(cmd.Env, "REDCACHE_LOG_LEVEL=warn")
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	return &process{cmd: cmd}, nil
}

// stop asks the worker to stop and reports it when that was not in good order.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop worker: %w", err)
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	return nil
}

func (w *world) close() error {
	var errs []error
	if w.engine != nil {
		w.engine.Close()
	}
	if w.warehouse != nil {
		errs = append(errs, w.warehouse.Close())
	}
	for _, cluster := range []*pgtest.Cluster{w.source, w.cache} {
		if cluster != nil {
			errs = append(errs, cluster.Stop())
		}
	}
	return errors.Join(errs...)
}

func say(what string) { fmt.Println("\n# " + what) }
