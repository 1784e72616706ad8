package catalog

import (
	"fmt"
	"slices"
	"time"

	"github.com/redcache/redcache/dblink"
)

// Strategy is how a refresh is applied.
type Strategy string

// The strategies, by the names that users, catalog and metrics all use.
const (
	Nonconcurrent Strategy = "nonconcurrent" // REFRESH MATERIALIZED VIEW; readers wait
	Concurrent    Strategy = "concurrent"    // REFRESH MATERIALIZED VIEW CONCURRENTLY; needs a key
	Incremental   Strategy = "incremental"   // reads past the watermark into a table
	Swap          Strategy = "swap"          // fills a new table, and points the view at it
	Merge         Strategy = "merge"         // reads everything, and writes what differs; needs a key
	Auto          Strategy = "auto"          // swap or merge, by what recent runs did
)

// Strategies lists all of them.
var Strategies = []Strategy{Nonconcurrent, Concurrent, Incremental, Swap, Merge, Auto}

// Transport is how rows travel.
type Transport string

// The transports.
const (
	AutoTransport   Transport = "auto"   // stream where it can be had and pays, else dblink
	DblinkTransport Transport = "dblink" // PostgreSQL reads Redshift
	StreamTransport Transport = "stream" // the process that refreshes reads Redshift, and hands the rows on
)

// Transports lists all of them.
var Transports = []Transport{AutoTransport, DblinkTransport, StreamTransport}

// SkipUnchanged is what may prove that there is nothing to refresh.
type SkipUnchanged string

// The ways to find out that nothing has changed.
const (
	SkipOff      SkipUnchanged = "off"      // nothing: each refresh reads
	SkipAuto     SkipUnchanged = "auto"     // modified where it is trustworthy and proves enough, else content
	SkipModified SkipUnchanged = "modified" // when Redshift last noted a change of the tables
	SkipContent  SkipUnchanged = "content"  // count, highest watermark and a hash, computed by Redshift
)

// SkipModes lists all of them.
var SkipModes = []SkipUnchanged{SkipOff, SkipAuto, SkipModified, SkipContent}

// View is the definition of one cached relation.
type View struct {
	ID      int32
	LinkID  int32
	Name    Name `db:"-"`
	Link    Link `db:"-"`
	Query   string
	Columns []Column

	Strategy  Strategy
	Key       []string
	Watermark string
	// Lookback is how far below the watermark a read starts: an interval, or a number for a numeric watermark.
	Lookback string
	// SafetyLag leaves rows younger than this for a later run; zero leaves none.
	SafetyLag time.Duration
	// ReconcileEvery is how often an incremental view is read in full; zero means only on demand.
	ReconcileEvery time.Duration
	// RefreshEvery is how often the worker refreshes the view; zero means only on demand.
	RefreshEvery time.Duration
	// MaxAge is the freshness promise; zero means none.
	MaxAge time.Duration
	// Timeout ends a refresh, on both servers.
	Timeout time.Duration

	Indexes   []string
	Grantees  []string
	NulBytes  NulBytes
	Transport Transport
	// Group names the views that are refreshed together; empty: none.
	Group string `db:"group_name"`
	// AllowShrink is how many percent of its rows a swap or merge may lose.
	AllowShrink   int
	SkipUnchanged SkipUnchanged
	// Split is the column by whose ranges a whole read is split over up to Sessions sessions; empty: it is not.
	Split    string
	Sessions int

	// Generation is the one that this definition asks for, FirstGeneration the first that it was built by, and
	// QueryGeneration the first that has the rows of its query.
	Generation      int32
	FirstGeneration int32
	QueryGeneration int32
	CreatedAt       time.Time
	ChangedAt       time.Time
}

// NewView returns a definition with what holds where nothing else is said.
func NewView(name Name, link Link) View {
	return View{
		Name: name, Link: link, Timeout: time.Hour, NulBytes: StripNul, Transport: AutoTransport,
		AllowShrink: defaultAllowShrink, SkipUnchanged: SkipOff, Sessions: 1,
	}
}

const defaultAllowShrink = 50

// NulBytes is what happens to NUL bytes in text, at which libpq would cut a value without a word.
type NulBytes string

// The ways to treat NUL bytes.
const (
	StripNul NulBytes = "strip" // the remote side removes them
	TrustNul NulBytes = "trust" // the source is trusted to have none
)

// Column is one column of a view's query, as it was described through the link.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // the remote type
}

// DataSchema holds the generations.
const DataSchema = "redcache_data"

// Relation returns the name, inside [DataSchema], of one generation.
func (v View) Relation(generation int32) string { return fmt.Sprintf("v%d_g%d", v.ID, generation) }

// RelationSQL returns the quoted and qualified name of one generation.
func (v View) RelationSQL(generation int32) string {
	return dblink.Ident(DataSchema, v.Relation(generation))
}

// Materialized says whether generations are materialized views; otherwise they are tables.
func (v View) Materialized() bool { return v.Strategy == Nonconcurrent || v.Strategy == Concurrent }

// DescribedColumns returns the columns with the types that they have on both sides. It fails only when the
// catalog's types are no longer in the type table.
func (v View) DescribedColumns() ([]dblink.Column, error) {
	columns := make([]dblink.Column, len(v.Columns))
	for i, c := range v.Columns {
		mapped, err := dblink.Map(c.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s of view %s: %w", c.Name, v.Name, err)
		}
		columns[i] = dblink.Column{Name: c.Name, RemoteType: c.Type, Type: mapped}
	}
	return columns, nil
}

// TextPolicy is the treatment of NUL bytes by dblink, in the words of its package.
func (v View) TextPolicy() dblink.TextPolicy {
	if v.NulBytes == TrustNul {
		return dblink.KeepNUL
	}
	return dblink.StripNUL
}

// column finds a column by name.
func (v View) column(name string) (Column, bool) {
	i := slices.IndexFunc(v.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return v.Columns[i], true
}

// Validate holds the definition against the columns that its query returns, before anything is changed.
func (v View) Validate() error {
	for _, check := range []func() error{v.checkStrategy, v.checkKey, v.checkWatermark, v.checkTimes, v.checkTransport} {
		if err := check(); err != nil {
			return err
		}
	}
	if len(v.Group) > maxName {
		return v.invalid(fmt.Sprintf("use at most %d", maxName), "its group has a name of %d bytes", len(v.Group))
	}
	return v.Name.validate()
}

func (v View) invalid(fix, problem string, args ...any) error {
	return &InvalidError{What: "view " + v.Name.String(), Problem: fmt.Sprintf(problem, args...), Fix: fix}
}

func (v View) checkStrategy() error {
	switch {
	case !slices.Contains(Strategies, v.Strategy):
		return v.invalid("choose one of "+joinSome(words(Strategies), len(Strategies)), "strategy %q does not exist", v.Strategy)
	case v.Strategy == Concurrent && len(v.Key) == 0:
		return v.invalid("name the columns that identify a row with --key a,b, or choose --strategy nonconcurrent",
			"strategy concurrent needs a key, for the unique index by which rows are compared")
	case v.Strategy == Merge && len(v.Key) == 0:
		return v.invalid("name the columns that identify a row with --key a,b, or choose --strategy swap",
			"strategy merge needs a key, by which rows are compared")
	case v.Strategy == Incremental && v.Watermark == "":
		return v.invalid("name a column that only grows with --watermark, or choose another --strategy",
			"strategy incremental needs a watermark")
	case v.Strategy != Incremental && v.Watermark != "":
		return v.invalid("add --strategy incremental, or leave --watermark out",
			"strategy %s reads everything and uses no watermark", v.Strategy)
	}
	return nil
}

func (v View) checkKey() error {
	for i, name := range v.Key {
		c, found := v.column(name)
		switch {
		case !found:
			return v.invalid("the query returns "+v.columnNames(), "key column %s does not exist", name)
		case slices.Contains(v.Key[:i], name):
			return v.invalid("name each key column once", "key column %s is named twice", name)
		case !orderable(c.Type):
			return v.invalid("choose columns of numbers, text, dates or times",
				"key column %s has type %s, which cannot identify rows", name, c.Type)
		}
	}
	return nil
}

func (v View) checkTimes() error {
	for name, d := range map[string]time.Duration{
		"every": v.RefreshEvery, "max-age": v.MaxAge, "safety-lag": v.SafetyLag,
		"reconcile-every": v.ReconcileEvery, "timeout": v.Timeout,
	} {
		if d < 0 {
			return v.invalid("choose a positive duration, like 5m", "%s is negative", name)
		}
	}
	if problem, fix := CheckTimeout(v.Timeout); problem != "" {
		return v.invalid(fix, "timeout is %s", problem)
	}
	if v.MaxAge > 0 && v.RefreshEvery > v.MaxAge {
		return v.invalid("refresh more often, or promise less", "refreshing every %s cannot keep a max-age of %s",
			FormatDuration(v.RefreshEvery), FormatDuration(v.MaxAge))
	}
	return nil
}

func words[T ~string](all []T) []string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = string(one)
	}
	return texts
}

func (v View) columnNames() string {
	names := make([]string, len(v.Columns))
	for i, c := range v.Columns {
		names[i] = c.Name
	}
	return joinSome(names, 20)
}

// orderable says whether values of a remote type can be compared on both sides, as unique indexes need. Redshift compares
// no shapes (Database Developer Guide, considerations when using spatial data), and shows one sketch in two ways.
func orderable(remoteType string) bool {
	mapped, err := dblink.Map(remoteType)
	return err == nil && !slices.Contains([]string{"super", "geometry", "geometryhex", "geography", "hllsketch"}, mapped.Remote)
}

// The limits of a timeout. The servers count milliseconds in 31 bits, which is 24 days.
const (
	minTimeout = time.Second
	maxTimeout = 20 * 24 * time.Hour
)

// CheckTimeout says what is wrong with a timeout, and what to do; nothing where it is one.
func CheckTimeout(timeout time.Duration) (problem, fix string) {
	switch {
	case timeout < minTimeout:
		return "too short", "choose at least " + FormatDuration(minTimeout)
	case timeout > maxTimeout:
		return "too long", "choose at most " + FormatDuration(maxTimeout)
	}
	return "", ""
}
