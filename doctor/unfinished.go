package doctor

import (
	"context"
	"slices"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// examineUnfinished looks for changes of definitions whose process has ended before they took effect.
func examineUnfinished(ctx context.Context, x *exam) ([]Check, error) {
	sets, err := catalog.In(x.tx).PendingSets(ctx)
	if err != nil {
		return nil, err
	}
	var objections []Check
	underWay := 0
	for _, set := range sets {
		switch {
		case !x.concerns(set):
		case !set.LeftBehind():
			underWay++
		default:
			objections = append(objections, warn(aboutSet(set), "a change of definitions has never taken effect, and its process has "+
				"ended, it seems: "+infra.Printable(set.String()), "The next change of a definition drops what it has built, and so does a "+
				"worker, within two minutes; one that cannot says why in its log. Until then the name of a view that was to be added, "+
				"and its link, stay taken."))
		}
	}
	return orOK(objections, cacheDatabase, "no change of a definition was left unfinished; %d under way", underWay), nil
}

// concerns says whether a set reads through the link that is examined.
func (x *exam) concerns(set catalog.PendingSet) bool {
	return x.cfg.Link == "" || len(x.links) > 0 && slices.ContainsFunc(set.Views, func(v catalog.PendingView) bool { return v.LinkID == x.links[0].ID })
}

func aboutSet(set catalog.PendingSet) string {
	if len(set.Views) == 0 {
		return cacheDatabase
	}
	about := "view " + set.Views[0].Name.String()
	if more := len(set.Views) - 1; more > 0 {
		about += " and " + count(more, "other", "others")
	}
	return about
}
