package catalog

import "fmt"

// InvalidError is a definition that cannot work, found before anything was changed.
type InvalidError struct {
	What    string // the object, e.g. "view bi.sales"; empty: it is plain who is meant
	Problem string // what is wrong with it
	Fix     string // what to do about it; may be empty
}

// Error says what is wrong with what, where that is known.
func (e *InvalidError) Error() string {
	if e.What == "" {
		return e.Problem
	}
	return e.What + ": " + e.Problem
}

// Hint says what to do about it.
func (e *InvalidError) Hint() string { return e.Fix }

// NotFoundError is returned when a link or view is named that the catalog does not have.
type NotFoundError struct {
	Kind   string // "link" or "view"
	Name   string
	Near   string      // a name that is alike; may be empty
	Adding *PendingSet // is to add the view; usually nil
	Gone   bool        // it was there when this began
}

func (e *NotFoundError) Error() string {
	switch {
	case e.Adding != nil:
		return fmt.Sprintf("%s %s does not exist yet: %s", e.Kind, e.Name, e.Adding)
	case e.Gone && e.Kind == "link":
		return fmt.Sprintf("link %s does not exist any more: somebody has removed it meanwhile", e.Name)
	case e.Gone:
		return fmt.Sprintf("%s %s does not exist any more: somebody has dropped it meanwhile", e.Kind, e.Name)
	}
	return fmt.Sprintf("%s %s does not exist", e.Kind, e.Name)
}

// Hint names what may have been meant, or says what is to come.
func (e *NotFoundError) Hint() string {
	if e.Adding != nil && !e.Adding.UnderWay() {
		return e.Adding.advice() + "; to add the view again does away with it at once"
	}
	if e.Adding != nil {
		return e.Adding.advice()
	}
	if e.Near != "" {
		return fmt.Sprintf("did you mean %s?", e.Near)
	}
	if e.Kind == "link" {
		return "`cachectl link list` shows the links, `cachectl link add` makes one"
	}
	return "`cachectl list` shows the views, `cachectl add-view` makes one"
}

// ExistsError is returned when a link or view is to be made under a name that is taken.
type ExistsError struct {
	Kind string
	Name string
}

func (e *ExistsError) Error() string { return fmt.Sprintf("%s %s exists already", e.Kind, e.Name) }

// Hint says how to go on.
func (e *ExistsError) Hint() string {
	if e.Kind == "view" {
		return "change it with `cachectl alter-view`, or choose another name"
	}
	return "choose another name, or remove the old one first"
}

// BusyError is returned when a view is to be added, changed or dropped that somebody else is adding or changing.
type BusyError struct {
	View  Name
	Group string // of the view, as it is to be
	Input Name   // that the view is to be computed from, and that is being changed; usually none
	By    PendingSet
}

func (e *BusyError) Error() string {
	switch {
	case e.By.adds(e.View):
		return fmt.Sprintf("view %s is being added: %s", e.View, e.By)
	case e.By.Has(e.View):
		return fmt.Sprintf("view %s is being changed: %s", e.View, e.By)
	case e.Input != (Name{}):
		return fmt.Sprintf("view %s reads %s, which is being changed: %s", e.View, e.Input, e.By)
	case e.By.Reads(e.View):
		return fmt.Sprintf("view %s is read by what is being built: %s", e.View, e.By)
	}
	return fmt.Sprintf("group %s, which view %s is to be in, is being changed: %s", e.Group, e.View, e.By)
}

// Hint says how to go on.
func (e *BusyError) Hint() string { return e.By.advice() }

// InUseError is returned when a link is to be removed that views still read from, or are to.
type InUseError struct {
	Link     string
	Views    []string
	Building []PendingSet // that make views read from it
}

func (e *InUseError) Error() string {
	switch len(e.Views) {
	case 0:
		return fmt.Sprintf("link %s is used by what is being built: %s", e.Link, e.Building[0])
	case 1:
		return fmt.Sprintf("link %s is used by 1 view", e.Link)
	}
	return fmt.Sprintf("link %s is used by %d views", e.Link, len(e.Views))
}

// Hint names the views, or says when what is being built is no more.
func (e *InUseError) Hint() string {
	if len(e.Views) == 0 {
		return e.Building[0].advice()
	}
	return fmt.Sprintf("drop them first: %s", joinSome(e.Views, 5))
}
