package infra

import (
	"errors"
	"fmt"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"
)

// ConfigError lists everything that is wrong with the environment, so that it can be put right in one go. [Load]
// returns it. It never has the value of a secret.
type ConfigError struct {
	Problems []string // each names its variable
}

// Error has one line for each problem.
func (e *ConfigError) Error() string {
	return "read configuration from the environment: " + strings.Join(e.Problems, "\n  ")
}

// Load fills the struct that into points to from the environment. The field MaxConns is read from PREFIX_MAX_CONNS,
// or from exactly the variable in its envconfig tag. More tags: default, required ("true"), unless (a variable that
// makes it optional), allowed (comma-separated words), min and max (numbers and durations), secret ("true", or "url"
// for a URL with a password), desc. When all fields are good and into has a method Validate() error, it has the last
// word.
//
// A variable that begins with PREFIX_ but fills no field is an error, as it is most likely a typo. Exceptions are
// PREFIX_TEST_ and the patterns in also (as in path.Match), for variables that belong to other programs.
func Load(prefix string, into any, also ...string) error {
	fields := fieldsOf(prefix, reflect.ValueOf(into).Elem())
	var problems []string
	for _, f := range fields {
		if err := f.load(); err != nil {
			problems = append(problems, err.Error())
		}
	}
	problems = append(problems, unknown(prefix, fields, also)...)
	if len(problems) > 0 {
		return &ConfigError{Problems: problems}
	}
	if v, ok := into.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return &ConfigError{Problems: []string{err.Error()}}
		}
	}
	return nil
}

// load reads one field by itself, because envconfig stops at the first error of a struct.
func (f field) load() error {
	text, given := os.LookupEnv(f.name)
	if f.required() && text == "" && os.Getenv(f.tag.Get("unless")) == "" {
		return fmt.Errorf("%s is not set; it must be: %s", f.name, f.tag.Get("desc"))
	}
	if !given {
		text = f.tag.Get("default")
	}
	alone := reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: "Field", Type: f.value.Type(),
		Tag: reflect.StructTag(fmt.Sprintf(`envconfig:"%s" default:%q`, f.name, f.tag.Get("default"))),
	}}))
	alone.Elem().Field(0).Set(f.value)
	if err := envconfig.Process("", alone.Interface()); err != nil {
		return f.problem(text, f.want(err))
	}
	f.value.Set(alone.Elem().Field(0))
	if text == "" {
		return nil
	}
	return f.check(text)
}

// check applies the tags allowed, min and max.
func (f field) check(text string) error {
	if allowed := f.tag.Get("allowed"); allowed != "" && !slices.Contains(strings.Split(allowed, ","), text) {
		return f.problem(text, "want "+strings.ReplaceAll(allowed, ",", " or "))
	}
	if !f.value.CanInt() {
		return nil
	}
	if low := f.tag.Get("min"); low != "" && f.value.Int() < f.bound(low) {
		return f.problem(text, "want at least "+low)
	}
	if high := f.tag.Get("max"); high != "" && f.value.Int() > f.bound(high) {
		return f.problem(text, "want at most "+high)
	}
	return nil
}

// bound reads a min or max tag. One that does not fit its field is a mistake in the program, so it panics.
func (f field) bound(text string) int64 {
	if d, err := time.ParseDuration(text); err == nil && f.isDuration() {
		return int64(d)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("%s: bad limit %q in its tag", f.name, text))
	}
	return n
}

func (f field) isDuration() bool { return f.value.Type() == reflect.TypeFor[time.Duration]() }

func (f field) want(err error) string {
	switch {
	case f.isDuration():
		return "want a duration such as 30s, 5m or 1h30m"
	case f.value.CanInt() || f.value.CanUint():
		return "want a whole number"
	case f.value.CanFloat():
		return "want a number"
	case f.value.Kind() == reflect.Bool:
		return "want true or false"
	}
	if parse, ok := errors.AsType[*envconfig.ParseError](err); ok && !f.secret() {
		return parse.Err.Error()
	}
	return "want a " + f.value.Type().String()
}

func (f field) problem(text, want string) error {
	if f.secret() {
		return fmt.Errorf("%s: %s", f.name, want)
	}
	return fmt.Errorf("%s=%q: %s", f.name, Bounded(text), want)
}

// unknown returns a problem for each variable of the prefix that nobody reads.
func unknown(prefix string, fields []field, also []string) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	var problems []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix+"_") || strings.HasPrefix(name, prefix+"_TEST_") ||
			slices.Contains(names, name) || matchesAny(also, name) {
			continue
		}
		problem := name + " is not a variable of this program"
		if near := Nearest(name, names); near != "" {
			problem += "; did you mean " + near + "?"
		}
		problems = append(problems, problem)
	}
	slices.Sort(problems)
	return problems
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}
