package catalog

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// Shown are published views as they were found, by the names of their views. Those that keep no rows read others by name, and
// whoever owns a schema can drop what has a name there, and put something of his own in its place. So what such a view shows is
// right only if all is that it reads.
type Shown map[Name]Published

// Shown looks for the published views of some views, and of what those read that keep no rows.
func (s Store) Shown(ctx context.Context, names ...Name) (Shown, error) {
	shown := Shown{}
	for _, name := range names {
		if err := s.look(ctx, shown, name); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

func (s Store) look(ctx context.Context, shown Shown, name Name) error {
	if _, done := shown[name]; done {
		return nil
	}
	id, err := s.ViewID(ctx, name)
	if errors.As(err, new(*NotFoundError)) {
		return nil // what is read instead has gone astray
	}
	if err != nil {
		return err
	}
	found, err := s.Published(ctx, &id)
	if err != nil {
		return err
	}
	shown[name] = found[id]
	for _, input := range found[id].inputs() {
		if err := s.look(ctx, shown, input); err != nil {
			return err
		}
	}
	return nil
}

// inputs are the views by whose names a view without rows reads.
func (p Published) inputs() []Name {
	if p.Source == nil {
		return nil
	}
	return p.Source.Inputs()
}

// Problem says what keeps readers of a view from seeing what is refreshed; empty: nothing.
func (s Shown) Problem(name Name) string { return cmp.Or(s[name].Problem(), s.Misled(name)) }

// Misled says why a view that keeps no rows, and stands itself, does not show what is refreshed; empty: it does.
func (s Shown) Misled(name Name) string {
	under := []Name{name} // and what is under these, each once: views can be made that read each other
	for i := 0; i < len(under); i++ {
		p, of := s[under[i]], ""
		if i > 0 {
			of = "its input " + under[i].String() + ": "
			if problem := p.Problem(); problem != "" {
				return of + problem
			}
		}
		if p.Astray != "" {
			return of + "it is made over " + p.Astray
		}
		for _, input := range p.inputs() {
			if !slices.Contains(under, input) {
				under = append(under, input)
			}
		}
	}
	return ""
}
