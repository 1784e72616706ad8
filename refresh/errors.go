package refresh

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// errNotDue ends an attempt that OnlyIfDue makes pointless.
var errNotDue = errors.New("not due")

// errGroupChanged makes another transaction find out who belongs to the group.
var errGroupChanged = errors.New("views joined or left the group meanwhile")

// errMoved has the decisions made once more: what they were made of is not so any more.
var errMoved = errors.New("a definition was changed by somebody else meanwhile")

// errRehearsed rolls a rehearsal back.
var errRehearsed = errors.New("rehearsed")

// NotReadyError says that the condition of a view's source does not hold, so nothing was read. A refresh is skipped then; a change
// that needs rows fails, and nothing has changed.
type NotReadyError struct {
	View      catalog.Name
	Condition string
	Said      string // what it returned: false, NULL or no row
}

// Error says what the condition has returned.
func (e *NotReadyError) Error() string {
	return fmt.Sprintf("the source is not ready: %s returned %s", infra.Bounded(e.Condition), e.Said)
}

// Hint says how to get rows all the same.
func (e *NotReadyError) Hint() string {
	return "Nothing has changed. Wait until it returns true; or take what is there by now: --ready-when '' of view " + e.View.String() +
		" leaves the condition out, and so does a file of it without @ready-when."
}

// retryable says whether the same work may succeed in another transaction.
func retryable(err error) bool {
	switch redshift.Classify(err) {
	case redshift.Reconnect, redshift.RetryTransaction, redshift.Backoff:
		return true
	}
	return errors.Is(err, infra.ErrOutcomeUnknown) || errors.Is(err, errGroupChanged)
}

func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// about says what was being done to which view, unless the error says so itself.
func about(doing string, name catalog.Name, err error) error {
	switch said := (*doneTo)(nil); {
	case err == nil:
		return nil
	case errors.As(err, new(*catalog.InvalidError)), errors.As(err, new(*catalog.ExistsError)),
		errors.As(err, new(*catalog.NotFoundError)), errors.As(err, new(*catalog.BusyError)), errors.As(err, &said) && said.name == name:
		return err
	}
	return &doneTo{doing, name, err}
}

// doneTo is what failed while something was done to a view.
type doneTo struct {
	doing string
	name  catalog.Name
	err   error
}

func (e *doneTo) Error() string { return fmt.Sprintf("%s %s: %s", e.doing, e.name, e.err) }

func (e *doneTo) Unwrap() error { return e.err }

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
