package grants

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// askTimeout bounds each statement on Redshift: they read catalogs only, but may queue.
const askTimeout = 2 * time.Minute

// survey is all that Redshift says about the views.
type survey struct {
	views      []catalog.View           // by id
	origins    map[int32][]catalog.View // of each, where its rows come from: itself, or the remote views below a local one
	sourced    map[int32]sourced
	warehouses map[int32]*warehouse // by link
	notes      []string
}

// sourced is a view's query with what it reads.
type sourced struct {
	reads    redshift.Reads
	sources  []Source
	unproven string
}

// survey reads the definitions, and asks each link for what they need.
func (a *Auditor) survey(ctx context.Context, names []catalog.Name) (*survey, error) {
	views, err := a.views(ctx, names)
	if err != nil {
		return nil, err
	}
	s := &survey{views: views, origins: map[int32][]catalog.View{}, sourced: map[int32]sourced{}, warehouses: map[int32]*warehouse{}}
	links := map[int32][]catalog.View{}
	for _, v := range views {
		if s.origins[v.ID], err = a.origins(ctx, v); err != nil {
			return nil, err
		}
		for _, origin := range s.origins[v.ID] {
			if !slices.ContainsFunc(links[origin.Link.ID], func(other catalog.View) bool { return other.ID == origin.ID }) {
				links[origin.Link.ID] = append(links[origin.Link.ID], origin)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(links)) {
		link := links[id][0].Link
		if a.cfg.Ready != nil {
			if err := a.cfg.Ready(ctx, link); err != nil {
				return nil, err
			}
		}
		if err := a.surveyLink(ctx, s, link, links[id]); err != nil {
			return nil, err
		}
		s.notes = append(s.notes, s.warehouses[id].notes(link.Name)...)
	}
	return s, nil
}

// views returns those of the names, each once and in the order of their locks.
func (a *Auditor) views(ctx context.Context, names []catalog.Name) (views []catalog.View, err error) {
	store := catalog.In(a.pool)
	if len(names) == 0 {
		views, err = store.Views(ctx)
	}
	for _, name := range names {
		v, err := store.View(ctx, name)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	slices.SortFunc(views, func(a, b catalog.View) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(views, func(a, b catalog.View) bool { return a.ID == b.ID }), err
}

// origins are the remote views from which the rows of a view come.
func (a *Auditor) origins(ctx context.Context, v catalog.View) (remote []catalog.View, err error) {
	seen := map[catalog.Name]bool{v.Name: true}
	for todo := []catalog.View{v}; len(todo) > 0; todo = todo[1:] {
		if todo[0].Kind != catalog.LocalSource {
			remote = append(remote, todo[0])
		}
		for _, name := range todo[0].Inputs() {
			if seen[name] {
				continue
			}
			seen[name] = true
			input, err := catalog.In(a.pool).View(ctx, name)
			if err != nil {
				return nil, fmt.Errorf("view %s is computed from %s: %w", v.Name, name, err)
			}
			todo = append(todo, input)
		}
	}
	return remote, nil
}

// surveyLink asks over one link, in one session.
func (a *Auditor) surveyLink(ctx context.Context, s *survey, link catalog.Link, views []catalog.View) error {
	limits := infra.Limits{Statement: askTimeout, Idle: askTimeout}
	return infra.InTx(ctx, a.pool, limits, func(tx pgx.Tx) error {
		session, err := dblink.Open(ctx, tx, link.Server().Name, redshift.Settings{
			QueryGroup: "redcache grants", StatementTimeout: askTimeout,
		})
		if err != nil {
			return redshift.Explained(err, "connect through link "+link.Name)
		}
		stop := dblink.Watch(ctx, a.pool, session)
		err = a.ask(ctx, session, s, link, views)
		running := stop(err)
		if err != nil {
			err = redshift.Explained(err, "ask link "+link.Name+" for permissions")
		}
		return errors.Join(err, running, session.Close(ctx))
	})
}

func (a *Auditor) ask(ctx context.Context, src redshift.Source, s *survey, link catalog.Link, views []catalog.View) error {
	named := map[redshift.Relation]bool{}
	for _, v := range views {
		reads, err := redshift.ReadsIn(v.Query, link.Server().Database)
		q := sourced{reads: reads}
		if q.unproven, err = untold(err); err != nil {
			return fmt.Errorf("view %s: %w", v.Name, err)
		}
		s.sourced[v.ID] = q
		for _, r := range reads.Relations {
			named[r] = true
		}
	}
	identities := slices.Collect(maps.Values(a.cfg.Mapping))
	w, err := ask(ctx, src, identities, slices.Collect(maps.Keys(named)))
	if err != nil {
		return err
	}
	w.remember(identities)
	s.warehouses[link.ID] = w
	proved := map[string]sourced{}
	for _, v := range views {
		q, known := proved[v.Query]
		if !known {
			if q, err = prove(ctx, src, w, v.Query, s.sourced[v.ID]); err != nil {
				return fmt.Errorf("view %s: %w", v.Name, err)
			}
			proved[v.Query] = q
		}
		s.sourced[v.ID] = q
	}
	return nil
}

// prove says what the sources of a query are, and holds them against its plan. The plan of a view shows what lies below
// it, so it is only asked for where all are tables.
func prove(ctx context.Context, src redshift.Source, w *warehouse, query string, q sourced) (_ sourced, err error) {
	tables := true
	for _, on := range q.reads.Relations {
		kind := w.kind(on)
		tables = tables && kind == table
		q.sources = append(q.sources, Source{Name: display(on), Kind: string(kind), Unproven: w.unproven(on)})
	}
	if q.unproven == "" && tables {
		q.unproven, err = untold(q.reads.Prove(ctx, src, query))
	}
	return q, err
}

// untold turns the error of what cannot be told from a query into its reason.
func untold(err error) (reason string, _ error) {
	var untrusted *redshift.UntrustedError
	if errors.As(err, &untrusted) {
		return "what the query reads cannot be proven: " + untrusted.Reason, nil
	}
	return "", err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
