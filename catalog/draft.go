package catalog

import (
	"reflect"
	"slices"
	"time"
)

// Draft is what somebody says of a definition. What is nil is left as it is, or as it is by default.
type Draft struct {
	Kind           *SourceKind
	Link           *string
	Query          *string
	NulBytes       *NulBytes
	Transport      *Transport
	SkipUnchanged  *SkipUnchanged
	ReadyWhen      *string
	Split          *string
	Sessions       *int
	Strategy       *Strategy
	Key            *[]string
	Watermark      *string
	Lookback       *string
	SafetyLag      *time.Duration
	ReconcileEvery *time.Duration
	RefreshEvery   *time.Duration
	MaxAge         *time.Duration
	Timeout        *time.Duration
	Indexes        *[]string
	Grantees       *[]string
	Group          *string
	AllowShrink    *int
	Checks         *[]string
	Owner          *string
	Description    *string
}

// Define makes a definition of the draft. Where it does not say how a refresh is applied, a watermark, or else a key,
// says so. The error is an [*InvalidError].
func (d Draft) Define() (Definition, error) {
	if d.Strategy == nil && d.Kind != nil && *d.Kind == LocalSource {
		strategy := Swap
		d.Strategy = &strategy
	}
	if d.Strategy == nil {
		strategy := usual(d.Watermark != nil && *d.Watermark != "", d.Key != nil && len(named(*d.Key)) > 0)
		d.Strategy = &strategy
	}
	return d.Change(Defaults())
}

// Change makes of a definition what the draft says, with its consequences: what belongs to a strategy alone comes and goes
// with it. With an error, an [*InvalidError], it is as it was.
func (d Draft) Change(was Definition) (Definition, error) {
	is := was
	d.write(&is)
	d.follow(was, &is)
	if d.AllowShrink != nil && !is.Guarded() {
		return was, invalid("choose one of these, or leave it out",
			"--allow-shrink is for strategies %s, and this is %s", told("and", func(t Traits) bool { return t.Guarded }), is.Strategy)
	}
	if err := is.Check(); err != nil {
		return was, err
	}
	return is, nil
}

// Check finds what is wrong in the draft itself, whatever it is to change. The error is an [*InvalidError].
func (d Draft) Check() error {
	is := Defaults()
	is.Strategy = usual(false, false)
	d.write(&is)
	return is.checkEach()
}

func (d Draft) write(is *Definition) {
	set(&is.Kind, d.Kind)
	set(&is.LinkName, d.Link)
	if set(&is.Query, d.Query); d.Query != nil {
		is.References = nil // they are places in the other one
	}
	set(&is.NulBytes, d.NulBytes)
	set(&is.Transport, d.Transport)
	set(&is.SkipUnchanged, d.SkipUnchanged)
	set(&is.ReadyWhen, d.ReadyWhen)
	set(&is.Split, d.Split)
	set(&is.Sessions, d.Sessions)
	set(&is.Strategy, d.Strategy)
	setList(&is.Key, d.Key)
	set(&is.Watermark, d.Watermark)
	set(&is.Lookback, d.Lookback)
	set(&is.SafetyLag, d.SafetyLag)
	set(&is.ReconcileEvery, d.ReconcileEvery)
	set(&is.RefreshEvery, d.RefreshEvery)
	set(&is.MaxAge, d.MaxAge)
	set(&is.Timeout, d.Timeout)
	setList(&is.Indexes, d.Indexes)
	setList(&is.Grantees, d.Grantees)
	set(&is.Group, d.Group)
	set(&is.AllowShrink, d.AllowShrink)
	if setList(&is.Checks, d.Checks); d.Checks != nil {
		is.Checks = sameRules(is.Checks)
	}
	set(&is.Owner, d.Owner)
	set(&is.Description, d.Description)
}

// follow draws the consequences of what was given, for what was not.
func (d Draft) follow(was Definition, is *Definition) {
	if is.Kind != was.Kind {
		d.followSource(is)
	}
	switch {
	case is.Strategy == was.Strategy:
	case is.traits().Watermark:
		reset(&is.ReconcileEvery, d.ReconcileEvery, defaultReconcile)
	default:
		reset(&is.Watermark, d.Watermark, "")
		reset(&is.SafetyLag, d.SafetyLag, 0)
		reset(&is.ReconcileEvery, d.ReconcileEvery, 0)
	}
	if is.Rowless() && !was.Rowless() {
		reset(&is.Key, d.Key, nil)
		reset(&is.Indexes, d.Indexes, nil)
		reset(&is.RefreshEvery, d.RefreshEvery, 0)
		reset(&is.Checks, d.Checks, nil)
	}
	if is.Watermark == "" || is.Watermark != was.Watermark { // another column may be of another kind
		reset(&is.Lookback, d.Lookback, "")
	}
	if is.Split == "" {
		reset(&is.Sessions, d.Sessions, 1)
	}
}

// followSource takes away what only a source of the other kind has.
func (d Draft) followSource(is *Definition) {
	is.References = nil
	if is.Kind == RemoteSource {
		return
	}
	plain := Defaults().Source
	reset(&is.LinkName, d.Link, plain.LinkName)
	reset(&is.NulBytes, d.NulBytes, plain.NulBytes)
	reset(&is.Transport, d.Transport, plain.Transport)
	reset(&is.SkipUnchanged, d.SkipUnchanged, plain.SkipUnchanged)
	reset(&is.ReadyWhen, d.ReadyWhen, plain.ReadyWhen)
	reset(&is.Split, d.Split, plain.Split)
	reset(&is.Sessions, d.Sessions, plain.Sessions)
}

// Over is the draft, with what another one says where it says nothing.
func (d Draft) Over(under Draft) Draft {
	upper, lower := reflect.ValueOf(&d).Elem(), reflect.ValueOf(under)
	for i := range upper.NumField() {
		if upper.Field(i).IsNil() {
			upper.Field(i).Set(lower.Field(i))
		}
	}
	return d
}

// Said is the draft that says all of a definition.
func (d Definition) Said() Draft {
	return Draft{
		Kind: &d.Kind, Link: &d.LinkName, Query: &d.Query, NulBytes: &d.NulBytes, Transport: &d.Transport,
		SkipUnchanged: &d.SkipUnchanged, ReadyWhen: &d.ReadyWhen, Split: &d.Split, Sessions: &d.Sessions, Strategy: &d.Strategy, Key: &d.Key,
		Watermark: &d.Watermark, Lookback: &d.Lookback, SafetyLag: &d.SafetyLag, ReconcileEvery: &d.ReconcileEvery,
		RefreshEvery: &d.RefreshEvery, MaxAge: &d.MaxAge, Timeout: &d.Timeout, Indexes: &d.Indexes, Grantees: &d.Grantees,
		Group: &d.Group, AllowShrink: &d.AllowShrink, Checks: &d.Checks, Owner: &d.Owner, Description: &d.Description,
	}
}

// Least is a draft that says no more than has to be said for [Draft.Define] to make this definition.
func (d Definition) Least() Draft {
	d.References = nil // which are found in the query
	said := d.Said()
	if !d.Guarded() { // where it has no meaning, and is refused
		said.AllowShrink, d.AllowShrink = nil, Defaults().AllowShrink
	}
	fields := reflect.ValueOf(&said).Elem()
	for i := range fields.NumField() {
		field := fields.Field(i)
		was := reflect.ValueOf(field.Interface())
		field.SetZero()
		if made, err := said.Define(); err != nil || !made.Equal(d) {
			field.Set(was)
		}
	}
	return said
}

func set[T any](field *T, given *T) {
	if given != nil {
		*field = *given
	}
}

// setList takes a list without empty names: one that has only such empties the field.
func setList(field *[]string, given *[]string) {
	if given != nil {
		*field = named(*given)
	}
}

func named(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// reset gives a field that nobody has given another value.
func reset[T any](field *T, given *T, value T) {
	if given == nil {
		*field = value
	}
}
