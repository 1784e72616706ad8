package catalog

import (
	"slices"
	"time"

	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// Transport is how rows travel.
type Transport string

// The transports.
const (
	AutoTransport   Transport = "auto"   // stream where it can be had and pays, else dblink
	DblinkTransport Transport = "dblink" // PostgreSQL reads Redshift
	StreamTransport Transport = "stream" // the process that refreshes reads Redshift, and hands the rows on
	LocalTransport  Transport = "local"  // the rows are here; no definition says so
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

// NulBytes is what happens to NUL bytes in text, at which libpq would cut a value without a word.
type NulBytes string

// The ways to treat NUL bytes.
const (
	StripNul NulBytes = "strip" // the remote side removes them
	TrustNul NulBytes = "trust" // the source is trusted to have none
)

// SourceKind is where a definition's rows are.
type SourceKind string

// The kinds of sources.
const (
	RemoteSource SourceKind = "remote" // on Redshift, through a link
	LocalSource  SourceKind = "local"  // in other views of the cache
)

// Source is where the rows of a definition come from. Of a local one there is but the query.
type Source struct {
	Kind SourceKind `json:"kind"`
	// LinkName is the link through which Redshift is asked.
	LinkName  string    `json:"link"`
	Query     string    `json:"query"`
	NulBytes  NulBytes  `json:"nul_bytes"`
	Transport Transport `json:"transport"`
	// SkipUnchanged is what may prove that there is nothing to read.
	SkipUnchanged SkipUnchanged `json:"skip_unchanged"`
	// ReadyWhen is a query that returns true when there is something to read, in one row; empty: there always is.
	ReadyWhen string `json:"ready_when"`
	// Split is the column by whose ranges a whole read is split over up to Sessions sessions; empty: it is not.
	Split    string `json:"split"`
	Sessions int    `json:"sessions"`
	// References are the places where a local query names views of the cache, in their order. It names nothing else.
	References []Reference `json:"references,omitempty"`
}

// Reference is a place in a query where a view of the cache is named.
type Reference struct {
	Name Name `json:"name"`
	From int  `json:"from"` // offsets in the query, from the first letter of the name to behind its last
	To   int  `json:"to"`
}

// Inputs are the views that a local query reads, each once, in the order in which it names them.
func (s Source) Inputs() (names []Name) {
	for _, r := range s.References {
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

// Written is the query with another text for each view that it names.
func (s Source) Written(instead func(Name) string) string {
	text, at := "", 0
	for i, called := range s.called(instead) {
		text += s.Query[at:s.References[i].From] + called
		at = s.References[i].To
	}
	return text + s.Query[at:]
}

// called is what stands in the place of each reference. One without an alias goes by its own name in the query, whatever it is called.
func (s Source) called(instead func(Name) string) (all []string) {
	places, _ := redshift.References(s.Query, "") // which has read it before
	for _, r := range s.References {
		text := instead(r.Name)
		if slices.ContainsFunc(places, func(p redshift.Reference) bool { return p.To == r.To && !p.Aliased }) {
			text += " AS " + sql.Ident(r.Name.View)
		}
		all = append(all, text)
	}
	return all
}

// Place is the offset in the query of an offset in what [Source.Written] makes of it: within another text, where the view is named.
func (s Source) Place(instead func(Name) string, at int) int {
	moved := 0 // by how much what follows stands farther behind
	for i, called := range s.called(instead) {
		r, length := s.References[i], len(called)
		if at < r.From+moved {
			break
		}
		if at < r.From+moved+length {
			return r.From
		}
		moved += length - (r.To - r.From)
	}
	return at - moved
}

// Definition is everything that people say of a view. docs/definitions.md has its JSON form.
type Definition struct {
	Source `json:"source"`

	Strategy  Strategy `json:"strategy"`
	Key       []string `json:"key"`
	Watermark string   `json:"watermark"`
	// Lookback is how far below the watermark a read starts: an interval, or a number for a numeric watermark.
	Lookback string `json:"lookback"`
	// SafetyLag leaves rows younger than this for a later run; zero leaves none.
	SafetyLag time.Duration `json:"safety_lag"`
	// ReconcileEvery is how often an incremental view is read in full; zero means only on demand.
	ReconcileEvery time.Duration `json:"reconcile_every"`
	// RefreshEvery is how often the worker refreshes the view; zero means only on demand.
	RefreshEvery time.Duration `json:"refresh_every"`
	// MaxAge is the freshness promise; zero means none.
	MaxAge time.Duration `json:"max_age"`
	// Timeout ends a refresh, on both servers.
	Timeout time.Duration `json:"timeout"`

	Indexes  []string `json:"indexes"`
	Grantees []string `json:"grantees"`
	// Group names the views that are refreshed together; empty: none.
	Group string `json:"group"`
	// AllowShrink is how many percent of its rows a swap or merge may lose.
	AllowShrink int `json:"allow_shrink"`
	// Checks are what has to be true of the rows before readers see them, each as [Rule.String] writes it.
	Checks []string `json:"checks"`

	// Owner is who is asked about the view, and Description what its rows are, in words for people.
	Owner       string `json:"owner"`
	Description string `json:"description"`
}

// Defaults is what holds where nothing else is said.
func Defaults() Definition {
	return Definition{
		Source: Source{
			Kind: RemoteSource, NulBytes: StripNul, Transport: AutoTransport, SkipUnchanged: SkipOff, Sessions: 1,
		},
		Timeout: time.Hour, AllowShrink: 50,
	}
}

// defaultReconcile is how often an incremental view is read in full that does not say.
const defaultReconcile = 24 * time.Hour

// traits of a strategy that does not exist are none; a definition is checked before it is used.
func (d Definition) traits() Traits {
	t, _ := d.Strategy.Traits()
	return t
}

// Materialized says whether generations are materialized views; otherwise they are tables.
func (d Definition) Materialized() bool { return d.traits().Materialized }

// Rowless says whether generations are plain views over the inputs, without rows of their own.
func (d Definition) Rowless() bool { return d.traits().Rowless }

// Guarded says whether a limit is set to the rows that a refresh may lose.
func (d Definition) Guarded() bool { return d.traits().Guarded }

// Meets says whether the definition has what a strategy needs.
func (d Definition) Meets(s Strategy) bool {
	t, ok := s.Traits()
	return ok && (t.Key == "" || len(d.Key) > 0) && (!t.Watermark || d.Watermark != "")
}

// Rebuilds says whether another definition needs another physical relation, with the columns that each has. One without a
// strategy is of an older version, of which no more is known.
func (d Definition) Rebuilds(columns []Column, to Definition, toColumns []Column) bool {
	return d.Strategy == "" || d.Kind != to.Kind || d.Query != to.Query || d.LinkName != to.LinkName || d.NulBytes != to.NulBytes ||
		d.Materialized() != to.Materialized() || d.Rowless() != to.Rowless() || d.Watermark != to.Watermark ||
		!slices.EqualFunc(columns, toColumns, Column.same) || !slices.Equal(d.Key, to.Key) || !slices.Equal(d.Indexes, to.Indexes)
}
