package refresh

import (
	"errors"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift/session"
)

// altering is the command that changes a view.
func altering(name catalog.Name, flags ...string) string {
	return infra.Command(append([]string{"cachectl", "alter-view", name.String()}, flags...)...)
}

// addingInstead advises on a view that could not be added what is advised on one that is there.
func addingInstead(name catalog.Name, err error) error {
	advice := strings.ReplaceAll(infra.Hint(err), altering(name, "--describe"), "adding the view again")
	to, _ := strings.CutSuffix(altering(name), "`")
	from := strings.Replace(to, "alter-view", "add-view", 1)
	return infra.Hinted(err, strings.ReplaceAll(advice, to, from))
}

// adviceOn names the view in what the reader of its rows advises.
func (w *viewWork) adviceOn(err error) string {
	if errors.As(err, new(*session.ShapeError)) {
		return altering(w.view.Name, "--describe") + " describes them again."
	}
	if value, ok := errors.AsType[*session.ValueError](err); ok {
		return strings.Replace(value.Hint(), "`cachectl alter-view VIEW --transport dblink`",
			altering(w.view.Name, "--transport", "dblink"), 1)
	}
	return ""
}
