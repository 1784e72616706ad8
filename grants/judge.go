package grants

import (
	"fmt"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
)

// circle is an identity with all whose permissions are its own as well: its groups, its roles, theirs, and PUBLIC.
func (w *warehouse) circle(i Identity) []Identity {
	if known, found := w.circles[i]; found {
		return known
	}
	members, seen := []Identity{i}, map[Identity]bool{i: true}
	for n := 0; n < len(members); n++ {
		for _, other := range w.has[members[n]] {
			if !seen[other] {
				members, seen[other] = append(members, other), true
			}
		}
	}
	return append(members, everybody)
}

// remember keeps the circles of identities that will be asked for often; what is still to be learned must be known.
func (w *warehouse) remember(identities []Identity) {
	for _, i := range identities {
		w.circles[i] = w.circle(i)
	}
}

// absent says why an identity cannot be found, or "".
func (w *warehouse) absent(i Identity) string {
	found := false
	switch i.Kind {
	case User:
		_, found = w.users[i.Name]
	case Group:
		_, found = w.groups[i.Name]
	case Role:
		found = w.roles[i.Name]
	}
	switch {
	case found:
		return ""
	case i.Kind == Role && !w.seesGrants:
		return fmt.Sprintf("Redshift has no %s, or does not show it to %s", i, w.login)
	}
	return fmt.Sprintf("Redshift has no %s", i)
}

// denied says why an identity may not read a relation of a query, or "".
func (w *warehouse) denied(i Identity, on redshift.Relation, reads redshift.Reads) string {
	uses, selects := false, false
	granted := map[string]bool{}
	for _, member := range w.circle(i) {
		uses = uses || w.usage[permission{redshift.Relation{Schema: on.Schema}, member}]
		selects = selects || w.selects[permission{on, member}]
		for column := range w.columns[permission{on, member}] {
			granted[column] = true
		}
	}
	switch kind := w.kind(on); {
	case !uses:
		return fmt.Sprintf("%s may not use schema %s", i, on.Schema)
	case selects || kind == outside || kind == system:
		return "" // of what is not in the catalog there is no SELECT; the schema is all that guards it
	case len(granted) == 0:
		return fmt.Sprintf("%s may not SELECT %s", i, display(on))
	}
	for column := range w.all[on] {
		if reads.Uses(column) && !granted[column] {
			return fmt.Sprintf("%s may not SELECT all columns of %s that the query may read", i, display(on))
		}
	}
	return ""
}

func (w *warehouse) kind(on redshift.Relation) kind {
	switch known, found := w.kinds[on]; {
	case strings.HasPrefix(on.Schema, "pg_") || on.Schema == "information_schema":
		return system
	case found:
		return known
	}
	return outside
}

// unproven says what a permission to SELECT does not prove of a relation, or "".
func (w *warehouse) unproven(on redshift.Relation) string {
	name := display(on)
	switch w.kind(on) {
	case lateBinding:
		return name + " is a late-binding view: what it reads is what its owner may read"
	case hiddenView:
		return name + " is a view whose definition is not shown, so that it may be a late-binding one"
	case outside:
		return name + " is no table or view of this database: in an external schema, other permissions count"
	case system:
		return name + " is a catalog: what it shows depends on who asks"
	}
	if policy := w.policies[on]; policy != "" {
		return fmt.Sprintf("%s has %s, and the cache holds what %s is shown", name, policy, w.login)
	}
	return ""
}

// notes says what the link's login cannot know.
func (w *warehouse) notes(link string) (notes []string) {
	if !w.seesGrants {
		to, err := redshift.Ident(w.login)
		if err != nil {
			to = "it"
		}
		notes = append(notes, fmt.Sprintf("link %s: Redshift does not show %s what others were granted, so permissions through "+
			"roles, on columns, and of groups and roles that are mapped are missed; a superuser can run: "+
			"GRANT ROLE sys:monitor TO %s", link, w.login, to))
	}
	if !w.seesPolicies {
		notes = append(notes, fmt.Sprintf("link %s: whether row-level security or masking guards the sources cannot be "+
			"known: Redshift tells only superusers and who has the role sys:secadmin; the cache holds what %s is shown",
			link, w.login))
	}
	return notes
}

func display(r redshift.Relation) string {
	return catalog.Name{Schema: r.Schema, View: r.Name}.String()
}
