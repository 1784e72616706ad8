package grants

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// Config says who is who, and how strict to be.
type Config struct {
	Mapping Mapping
	// AllowUnproven accepts that of some sources more or less than a SELECT is what permits to read them, and that the
	// sources of some queries cannot be told at all. Otherwise their readers are an excess.
	AllowUnproven bool
	// RevokeAll lets a sync take the views of a link from everybody when the mapping names nobody whom Redshift knows.
	RevokeAll bool
	// Ready, if any, is called before a session on Redshift is opened, so that its login is a current one.
	Ready func(ctx context.Context, l catalog.Link) error
}

// Auditor holds grants against permissions on Redshift.
type Auditor struct {
	pool *pgxpool.Pool
	cfg  Config
}

// New returns an Auditor of the cache database that pool reaches.
func New(pool *pgxpool.Pool, cfg Config) *Auditor { return &Auditor{pool: pool, cfg: cfg} }

// Source is a relation that a view's query names.
type Source struct {
	Name     string
	Kind     string // table, view, late-binding view, view of unknown binding, catalog, unknown
	Unproven string // what a permission to SELECT does not prove of it; empty: nothing
}

// Verdict is what an audit finds of a reader.
type Verdict string

// The verdicts. All but the first two are an excess.
const (
	Allowed   Verdict = "allowed"
	Exempt    Verdict = "exempt"    // a superuser, or the owner: nothing keeps them from reading
	Forbidden Verdict = "forbidden" // not allowed on Redshift to read all that the query names
	Unmapped  Verdict = "unmapped"  // nobody on Redshift, as far as the mapping says
	Unproven  Verdict = "unproven"  // allowed to SELECT, where that does not prove enough
)

// Reader is a role that can read a cached view.
type Reader struct {
	Role     string // PUBLIC: everybody
	Identity string // on Redshift; empty: none
	Verdict  Verdict
	Reasons  []string // for the verdict; an allowed one has those that were accepted
	Ways     []Way
}

// Excess says whether the reader should not be one.
func (r Reader) Excess() bool { return r.Verdict != Allowed && r.Verdict != Exempt }

// readsNow says whether the reader is more than a promise of the view's definition. An exempt one has no ways.
func (r Reader) readsNow() bool {
	return slices.ContainsFunc(r.Ways, func(w Way) bool { return w.Via != ViaDefinition })
}

// Audit is what was found of one view.
type Audit struct {
	View     catalog.Name
	Link     string
	Sources  []Source
	Unproven string // why the sources cannot be told; empty: they are all
	Readers  []Reader
}

// Report is what was found of several views, and what could not be.
type Report struct {
	Audits []Audit
	Notes  []string
}

// Audit looks at the views of the names, or at all without any, and changes nothing. Each link is asked once. It fails
// when a link cannot be asked, or when there is no view of a name (*catalog.NotFoundError).
func (a *Auditor) Audit(ctx context.Context, names []catalog.Name) (Report, error) {
	s, err := a.survey(ctx, names)
	if err != nil {
		return Report{}, err
	}
	report := Report{Notes: s.notes}
	err = infra.InTx(ctx, a.pool, infra.Limits{}, func(tx pgx.Tx) error {
		d, err := databaseOf(ctx, tx, s.views)
		if err != nil {
			return err
		}
		for _, v := range s.views {
			report.Audits = append(report.Audits, a.judge(d, s, v))
		}
		report.Notes = append(report.Notes, a.strangers(d)...)
		return nil
	})
	return report, err
}

// strangers are roles of the mapping that do not exist, most likely misspelt.
func (a *Auditor) strangers(d *database) (notes []string) {
	for _, name := range sortedKeys(a.cfg.Mapping) {
		if _, found := d.byName[name]; !found {
			notes = append(notes, fmt.Sprintf("the mapping has role %s, which does not exist here", name))
		}
	}
	return notes
}

// PUBLIC is what SQL calls everybody.
const PUBLIC = "PUBLIC"

// label is what a report calls a role: its name, but for one that could be taken for everybody.
func label(role string) string {
	if role == PUBLIC {
		return `"PUBLIC"`
	}
	return role
}

// judge finds who reads a view, and who of them may.
func (a *Auditor) judge(d *database, s *survey, v catalog.View) Audit {
	audit := Audit{View: v.Name, Link: v.Link.Name}
	for _, origin := range s.origins[v.ID] {
		q := s.sourced[origin.ID]
		audit.Unproven = cmp.Or(audit.Unproven, q.unproven)
		for _, source := range q.sources {
			if !slices.Contains(audit.Sources, source) {
				audit.Sources = append(audit.Sources, source)
			}
		}
	}
	everyone := d.publicWays(v)
	if slices.ContainsFunc(v.Grantees, d.everybody) {
		everyone = append(everyone, Way{Via: ViaDefinition})
	}
	if len(everyone) > 0 {
		audit.Readers = append(audit.Readers, Reader{
			Role: PUBLIC, Verdict: Unmapped, Reasons: []string{"PUBLIC is everybody, whoever that will be"}, Ways: everyone,
		})
	}
	for _, r := range d.all {
		if reader, reads := a.reader(d, s, v, r); reads {
			audit.Readers = append(audit.Readers, reader)
		}
	}
	return audit
}

// reader judges a role, if it reads the view.
func (a *Auditor) reader(d *database, s *survey, v catalog.View, r role) (reader Reader, reads bool) {
	reader = Reader{Role: label(r.Name)}
	if r.Superuser || d.owns(r.OID, v) {
		reader.Verdict = Exempt
		reader.Reasons = []string{map[bool]string{true: "a superuser", false: "the view's owner"}[r.Superuser]}
		return reader, true
	}
	reader.Ways = d.ways(r.OID, v)
	if slices.Contains(v.Grantees, r.Name) {
		reader.Ways = append(reader.Ways, Way{Via: ViaDefinition})
	}
	own := func(w Way) bool {
		return w.Via != ViaPublic && (len(w.Through) == 0 || w.Via == ViaDefinition) && w.Via != ViaEverything
	}
	if len(reader.Ways) == 0 || r.predefined() && !slices.ContainsFunc(reader.Ways, own) {
		return reader, false
	}
	identity, mapped := a.cfg.Mapping[r.Name]
	if !mapped {
		reader.Verdict, reader.Reasons = Unmapped, []string{"not mapped to anybody on Redshift"}
		return reader, true
	}
	reader.Identity = identity.String()
	reader.Verdict, reader.Reasons = a.verdict(s, v, identity)
	return reader, true
}

// verdict holds an identity against all that the rows of a view come from.
func (a *Auditor) verdict(s *survey, v catalog.View, i Identity) (Verdict, []string) {
	var denied, unproven []string
	for _, origin := range s.origins[v.ID] {
		no, perhaps := s.objections(origin, i)
		denied, unproven = merged(denied, no), merged(unproven, perhaps)
	}
	switch {
	case len(denied) > 0:
		return Forbidden, denied
	case len(unproven) > 0 && !a.cfg.AllowUnproven:
		return Unproven, unproven
	}
	return Allowed, unproven
}

// objections are what keeps an identity from the sources of a query on Redshift, and what cannot be proven.
func (s *survey) objections(v catalog.View, i Identity) (denied, unproven []string) {
	w, q := s.warehouses[v.Link.ID], s.sourced[v.ID]
	if absent := w.absent(i); absent != "" {
		return []string{absent}, nil
	}
	if q.unproven != "" {
		unproven = append(unproven, q.unproven)
	}
	for at, on := range q.reads.Relations {
		if problem := w.denied(i, on, q.reads); problem != "" {
			denied = append(denied, problem)
		}
		if problem := q.sources[at].Unproven; problem != "" {
			unproven = append(unproven, problem)
		}
	}
	return denied, unproven
}

// merged adds what is not in a list yet.
func merged(list, more []string) []string {
	for _, text := range more {
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}
