package main

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
)

// definition are the flags of add-view and alter-view that say what a view is.
type definition struct {
	given func(flag string) bool

	link, query, queryFile, table  string
	key                            []string
	strategy                       catalog.Strategy
	watermark, lookback            string
	every, maxAge                  duration
	safetyLag, reconcile, timeout  duration
	indexes, grants                []string
	nulBytes                       catalog.NulBytes
	transport                      catalog.Transport
	group, split                   string
	allowShrink                    percent
	skipUnchanged                  catalog.SkipUnchanged
	sessions                       int
	noData, dryRun, json, describe bool
}

func (d *definition) register(cmd *cobra.Command) {
	f := cmd.Flags()
	d.given = f.Changed
	f.StringVar(&d.query, "query", "", "the `select` to cache: one statement, in Redshift's SQL")
	f.StringVar(&d.queryFile, "query-file", "", "`file` with the query; - reads stdin")
	f.StringVar(&d.table, "table", "", "`schema.table` to cache as a whole, instead of a query")
	f.StringSliceVar(&d.key, "key", nil, "`columns` that identify a row, as a,b")
	f.Var(oneOf[catalog.Strategy]{&d.strategy, catalog.Strategies}, "strategy",
		"how a refresh is applied: nonconcurrent (readers wait), concurrent (needs "+
			"--key), incremental (needs --watermark), swap (writes everything anew, and "+
			"switches), merge (needs --key, writes what differs) or auto (swap or merge, "+
			"by what recent refreshes were like)")
	f.Var(&d.every, "every", "how often the worker refreshes the view; 0: only on demand")
	f.Var(&d.maxAge, "max-age", "the freshness promise: the view is stale when it is older; 0: none")
	f.StringVar(&d.watermark, "watermark", "", "`column` that only grows, for strategy incremental")
	f.StringVar(&d.lookback, "lookback", "", "how far below the watermark a read starts, an `amount`: a duration, or a number "+
		"(default 10m for a watermark in time, 0 for a number)")
	f.Var(&d.safetyLag, "safety-lag", "leave rows that are younger for a later run")
	f.Var(&d.reconcile, "reconcile-every", "how often an incremental view is read in full, to see deletes; 0: only with "+
		"refresh --full (default 1d for incremental)")
	f.Var(&d.timeout, "timeout", "end a refresh that takes longer, on both servers (default 1h)")
	f.StringArrayVar(&d.indexes, "index", nil, "one more index, an `expression`: what stands between the parentheses of CREATE INDEX, "+
		"or USING …; may be given several times")
	f.StringArrayVar(&d.grants, "grant", nil, "`role` that may read the view; may be given several times")
	f.Var(oneOf[catalog.NulBytes]{&d.nulBytes, []catalog.NulBytes{catalog.StripNul, catalog.TrustNul}}, "nul-bytes",
		"zero bytes in text, at which transport dblink would cut a value: strip removes them, trust says that there are none (default strip)")
	d.registerReading(cmd)
	f.BoolVar(&d.noData, "no-data", false, "store the definition only; the next refresh fills the view")
	f.BoolVar(&d.dryRun, "dry-run", false, dryRunHelp)
	f.BoolVar(&d.json, "json", false, jsonHelp)
	_ = cmd.RegisterFlagCompletionFunc("strategy", words(catalog.Strategies...)) // the flag exists
	_ = cmd.RegisterFlagCompletionFunc("nul-bytes", words(catalog.StripNul, catalog.TrustNul))
}

// registerReading adds the flags that say how a view is read, with which others, and when it is not.
func (d *definition) registerReading(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(oneOf[catalog.Transport]{&d.transport, catalog.Transports}, "transport",
		"how rows travel: dblink (PostgreSQL reads Redshift), stream (the process that "+
			"refreshes does, and needs a way there) or auto (stream where that works, else dblink) (default auto)")
	f.StringVar(&d.group, "group", "", "`name` that views share which are read in one snapshot of Redshift and published "+
		"together; '': none")
	f.Var(&d.allowShrink, "allow-shrink", "how many of its rows a swap or merge may lose, 0 to 100 percent: one that would "+
		"lose more fails (default 50)")
	f.Var(oneOf[catalog.SkipUnchanged]{&d.skipUnchanged, catalog.SkipModes}, "skip-unchanged",
		"what may prove that there is nothing to read: modified (when Redshift last noted "+
			"a change of the tables), content (a hash that Redshift computes), auto (the "+
			"cheaper that will do) or off (default off)")
	f.StringVar(&d.split, "split", "", "`column` of numbers, dates or times by whose ranges a read of everything is split "+
		"over several sessions; needs transport stream")
	f.IntVar(&d.sessions, "sessions", 0, "`number` of these sessions; each takes a slot of the link")
	_ = cmd.RegisterFlagCompletionFunc("transport", words(catalog.Transports...)) // the flags exist
	_ = cmd.RegisterFlagCompletionFunc("skip-unchanged", words(catalog.SkipModes...))
}

const (
	dryRunHelp = "print the SQL and change nothing"
	jsonHelp   = "print JSON, see docs/json.md"
)

// check finds what contradicts itself, before anything is connected to. It also reads the query, wherever it is.
func (d *definition) check(stdin io.Reader) error {
	sources := 0
	for _, flag := range []string{"query", "query-file", "table"} {
		if d.given(flag) {
			sources++
		}
	}
	if sources > 1 {
		return usagef("", "--query, --query-file and --table exclude each other")
	}
	for _, list := range []*[]string{&d.key, &d.indexes, &d.grants} {
		*list = slices.DeleteFunc(*list, func(s string) bool { return s == "" }) // the way to empty a list
	}
	if err := d.readQuery(stdin); err != nil {
		return err
	}
	if d.given("query") || d.given("query-file") {
		var err error
		if d.query, err = dblink.ReadQuery(d.query); err != nil {
			return usage(err, "")
		}
	}
	if d.given("timeout") {
		if problem, fix := catalog.CheckTimeout(time.Duration(d.timeout)); problem != "" {
			return usagef(fix, "--timeout is %s", problem)
		}
	}
	if d.given("sessions") && (d.sessions < 1 || d.sessions > maxSessions) {
		return usagef(fmt.Sprintf("choose 1 to %d, and at most the link's --max-concurrency", maxSessions),
			"--sessions is %d", d.sessions)
	}
	return d.checkLookback()
}

func (d *definition) readQuery(stdin io.Reader) error {
	var err error
	switch {
	case d.given("table"):
		d.query, err = remoteTable(d.table)
		return usage(wrap(err, "--table "+d.table), "")
	case d.queryFile == "-":
		var text []byte
		text, err = io.ReadAll(stdin)
		d.query = string(text)
	case d.given("query-file"):
		var text []byte
		text, err = os.ReadFile(d.queryFile)
		d.query = string(text)
	}
	return usage(wrap(err, "read --query-file"), "name a file that can be read, or - for stdin")
}

// checkLookback refuses what fits no kind of watermark. Which kind it is shows when the query is described.
func (d *definition) checkLookback() error {
	if !d.given("lookback") {
		return nil
	}
	span, err := catalog.ParseDuration(d.lookback)
	if err == nil && span > 0 && span < time.Microsecond { // which PostgreSQL would take for none at all
		return usagef("choose at least 1us, or 0", "--lookback %s is too short", d.lookback)
	}
	if err == nil && span >= 0 {
		return nil
	}
	if number, ok := new(big.Rat).SetString(d.lookback); ok && number.Sign() >= 0 {
		return nil
	}
	return usagef("write --lookback 10m for a watermark in time, --lookback 1000 for a number",
		"--lookback %q is neither a duration nor a number of zero or more", infra.Bounded(d.lookback))
}

// apply writes what was given into v.
func (d *definition) apply(v *catalog.View) {
	set(d.given("query") || d.given("query-file") || d.given("table"), &v.Query, d.query)
	set(d.given("key"), &v.Key, d.key)
	set(d.given("strategy"), &v.Strategy, d.strategy)
	set(d.given("watermark"), &v.Watermark, d.watermark)
	set(d.given("lookback"), &v.Lookback, d.lookback)
	set(d.given("safety-lag"), &v.SafetyLag, time.Duration(d.safetyLag))
	set(d.given("reconcile-every"), &v.ReconcileEvery, time.Duration(d.reconcile))
	set(d.given("every"), &v.RefreshEvery, time.Duration(d.every))
	set(d.given("max-age"), &v.MaxAge, time.Duration(d.maxAge))
	set(d.given("timeout"), &v.Timeout, time.Duration(d.timeout))
	set(d.given("index"), &v.Indexes, d.indexes)
	set(d.given("grant"), &v.Grantees, d.grants)
	set(d.given("nul-bytes"), &v.NulBytes, d.nulBytes)
	set(d.given("transport"), &v.Transport, d.transport)
	set(d.given("group"), &v.Group, d.group)
	set(d.given("allow-shrink"), &v.AllowShrink, int(d.allowShrink))
	set(d.given("skip-unchanged"), &v.SkipUnchanged, d.skipUnchanged)
	set(d.given("split"), &v.Split, d.split)
	set(v.Split == "", &v.Sessions, 1)
	set(d.given("sessions"), &v.Sessions, d.sessions)
}

func set[T any](given bool, field *T, value T) {
	if given {
		*field = value
	}
}

const maxSessions = 64 // which is also the most that a link can have

const defaultReconcile = 24 * time.Hour

// settle follows the consequences of a strategy that was given or changed: what belongs to incremental alone comes
// and goes with it.
func (d *definition) settle(v *catalog.View, was catalog.Strategy) {
	if v.Strategy == was {
		return
	}
	if v.Strategy == catalog.Incremental {
		set(!d.given("reconcile-every"), &v.ReconcileEvery, defaultReconcile)
		return
	}
	set(!d.given("watermark"), &v.Watermark, "")
	set(!d.given("lookback"), &v.Lookback, "")
	set(!d.given("safety-lag"), &v.SafetyLag, 0)
	set(!d.given("reconcile-every"), &v.ReconcileEvery, 0)
}

// changes says whether any flag of the definition itself was given.
func (d *definition) changes(f *pflag.FlagSet) bool {
	found := false
	f.Visit(func(flag *pflag.Flag) {
		switch flag.Name {
		case "no-data", "dry-run", "json", "database-url":
		default:
			found = true
		}
	})
	return found
}

func wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		return fmt.Errorf("%s %s: %w", what, path.Path, path.Err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
