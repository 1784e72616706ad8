package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/redshift"
)

// definition are the flags of add-view and alter-view that say what a view is.
type definition struct {
	given func(flag string) bool

	link, query, queryFile, table  string
	source                         pipeline.From
	key                            []string
	strategy                       catalog.Strategy
	watermark, lookback            string
	every, maxAge                  duration
	safetyLag, reconcile, timeout  duration
	indexes, grants, checks        []string
	nulBytes                       catalog.NulBytes
	transport                      catalog.Transport
	group, split, readyWhen        string
	owner, description             string
	allowShrink                    percent
	skipUnchanged                  catalog.SkipUnchanged
	sessions                       int
	noData, dryRun, json, describe bool
}

func (d *definition) register(cmd *cobra.Command) {
	f := cmd.Flags()
	d.given = f.Changed
	f.Var(oneOf[pipeline.From]{&d.source, pipeline.Froms}, "source",
		"where the query runs: redshift, through a link, or cache, over other views of the cache (default redshift)")
	f.StringVar(&d.query, "query", "", "the `select` to cache: one statement, in the SQL of where it runs")
	f.StringVar(&d.queryFile, "query-file", "", "`file` with the query; - reads stdin")
	f.StringVar(&d.table, "table", "", "`schema.table` to cache as a whole, instead of a query")
	f.StringSliceVar(&d.key, "key", nil, "`columns` that identify a row, as a,b")
	f.Var(oneOf[catalog.Strategy]{&d.strategy, catalog.Strategies}, "strategy",
		"how a refresh is applied: "+strategyHelp())
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
	f.StringVar(&d.owner, "owner", "", "`who` is asked about the view: a person or a team")
	f.StringVar(&d.description, "description", "", "what its rows are, in a `line` for people")
	f.BoolVar(&d.noData, "no-data", false, "store the definition only; the next refresh fills the view")
	f.BoolVar(&d.dryRun, "dry-run", false, dryRunHelp)
	f.BoolVar(&d.json, "json", false, jsonHelp)
	_ = cmd.RegisterFlagCompletionFunc("source", words(pipeline.Froms...)) // the flags exist
	_ = cmd.RegisterFlagCompletionFunc("strategy", words(catalog.Strategies...))
	_ = cmd.RegisterFlagCompletionFunc("nul-bytes", words(catalog.StripNul, catalog.TrustNul))
}

// strategyHelp names all strategies, with a few words on each.
func strategyHelp() string {
	all := make([]string, len(catalog.Table))
	for i, t := range catalog.Table {
		all[i] = fmt.Sprintf("%s (%s)", t.Strategy, t.Told)
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
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
	f.StringArrayVar(&d.checks, "check", nil, "what has to be true of the rows before readers see them, a `rule`: "+catalog.RuleForms()+
		"; readers keep what they have otherwise, or, with warn before it, are shown the rows all the same; may be given several times; '': none")
	f.Var(oneOf[catalog.SkipUnchanged]{&d.skipUnchanged, catalog.SkipModes}, "skip-unchanged",
		"what may prove that there is nothing to read: modified (when Redshift last noted "+
			"a change of the tables), content (a hash that Redshift computes), auto (the "+
			"cheaper that will do) or off (default off)")
	f.StringVar(&d.readyWhen, "ready-when", "", "a `select` on Redshift that returns true, in one row, once there is something to read; "+
		"else a refresh is skipped, and the view is due again in a minute; '': there always is")
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

// draft is what was given of the definition. It also reads the query, wherever it is.
func (d *definition) draft(stdin io.Reader) (draft catalog.Draft, err error) {
	sources := 0
	for _, flag := range []string{"query", "query-file", "table"} {
		if d.given(flag) {
			sources++
		}
	}
	if sources > 1 {
		return draft, usagef("", "--query, --query-file and --table exclude each other")
	}
	if err := d.readQuery(stdin); err != nil {
		return draft, err
	}
	if sources > 0 && !d.given("table") {
		if d.query, err = redshift.ReadQuery(d.query); err != nil {
			return draft, usage(err, "")
		}
	}
	give(sources > 0, &draft.Query, &d.query)
	if d.given("source") {
		kind := d.source.Kind()
		draft.Kind = &kind
	}
	give(d.given("link"), &draft.Link, &d.link)
	give(d.given("strategy"), &draft.Strategy, &d.strategy)
	give(d.given("key"), &draft.Key, &d.key)
	give(d.given("watermark"), &draft.Watermark, &d.watermark)
	give(d.given("lookback"), &draft.Lookback, &d.lookback)
	give(d.given("index"), &draft.Indexes, &d.indexes)
	give(d.given("grant"), &draft.Grantees, &d.grants)
	give(d.given("group"), &draft.Group, &d.group)
	give(d.given("allow-shrink"), &draft.AllowShrink, (*int)(&d.allowShrink))
	give(d.given("check"), &draft.Checks, &d.checks)
	give(d.given("nul-bytes"), &draft.NulBytes, &d.nulBytes)
	give(d.given("transport"), &draft.Transport, &d.transport)
	give(d.given("skip-unchanged"), &draft.SkipUnchanged, &d.skipUnchanged)
	if d.readyWhen, err = catalog.ReadCondition(d.readyWhen); err != nil {
		return draft, usage(wrap(err, "--ready-when"), "")
	}
	give(d.given("ready-when"), &draft.ReadyWhen, &d.readyWhen)
	give(d.given("split"), &draft.Split, &d.split)
	give(d.given("sessions"), &draft.Sessions, &d.sessions)
	give(d.given("owner"), &draft.Owner, &d.owner)
	give(d.given("description"), &draft.Description, &d.description)
	give(d.given("safety-lag"), &draft.SafetyLag, (*time.Duration)(&d.safetyLag))
	give(d.given("reconcile-every"), &draft.ReconcileEvery, (*time.Duration)(&d.reconcile))
	give(d.given("every"), &draft.RefreshEvery, (*time.Duration)(&d.every))
	give(d.given("max-age"), &draft.MaxAge, (*time.Duration)(&d.maxAge))
	give(d.given("timeout"), &draft.Timeout, (*time.Duration)(&d.timeout))
	return draft, usage(draft.Check(), "")
}

func give[T any](given bool, field **T, value *T) {
	if given {
		*field = value
	}
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
