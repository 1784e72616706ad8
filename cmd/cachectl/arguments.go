package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// needsCommand is what a command does that only has subcommands.
func needsCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		cmd.SetOut(cmd.ErrOrStderr())
		_ = cmd.Help() // the terminal is gone when this fails
		return usagef("`"+cmd.CommandPath()+" COMMAND --help` explains a command", "name a command")
	}
	return unknownCommand(cmd, args[0], "")
}

// unknownCommand is what is wrong with the name of a command. What there is instead is advised if no name is like it.
func unknownCommand(cmd *cobra.Command, name, instead string) error {
	cmd.SuggestionsMinimumDistance = 2 // cobra's own default, which it does not apply here
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		instead = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef(instead, "unknown command %q", name)
}

// wrongFlag explains what is wrong with a flag. An unknown one is most likely misspelt.
func wrongFlag(cmd *cobra.Command, err error) error {
	if wrong, is := errors.AsType[*pflag.InvalidValueError](err); is { // pflag repeats the value, however long it is
		return usage(fmt.Errorf("invalid argument %q for \"--%s\" flag: %w", infra.Bounded(wrong.GetValue()), wrong.GetFlag().Name, wrong.Unwrap()), "")
	}
	unknown := (*pflag.NotExistError)(nil)
	if !errors.As(err, &unknown) {
		return usage(err, "")
	}
	name, known := unknown.GetSpecifiedName(), []string{}
	if group := unknown.GetSpecifiedShortnames(); len(group) > 1 {
		name = strings.SplitN(group, "=", 2)[0] // -json
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	hint := ""
	if near := infra.Nearest(strings.ReplaceAll(strings.ToLower(name), "_", "-"), known); near != "" {
		hint = "did you mean --" + near + "?"
	}
	return usage(err, hint)
}

// takes demands between least and most arguments; most is negative when there is no limit.
func takes(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		form := "write: " + cmd.UseLine()
		switch {
		case len(args) < least:
			return usagef(form, "%s missing", count(least-len(args), "argument is", "arguments are"))
		case most >= 0 && len(args) > most:
			return usagef(form, "%s too many", count(len(args)-most, "argument is", "arguments are"))
		}
		return nil
	}
}

// duration is a flag that is written as 30s, 5m, 2h or 7d.
type duration time.Duration

func (d *duration) Set(text string) error {
	parsed, err := catalog.ParseDuration(text)
	if err != nil {
		return err
	}
	if parsed < 0 {
		return fmt.Errorf("%s is negative; write 30s, 5m, 2h or 7d", text)
	}
	if parsed > 0 && parsed < time.Microsecond { // which PostgreSQL would take for none at all
		return fmt.Errorf("%s is too short; write at least 1us", text)
	}
	*d = duration(parsed)
	return nil
}

// String writes zero so that the help does not mention it as a default.
func (d *duration) String() string {
	if *d == 0 {
		return "0"
	}
	return catalog.FormatDuration(time.Duration(*d))
}

func (d *duration) Type() string { return "duration" }

// percent is a flag that is written as 30 or 30%.
type percent int

func (p *percent) Set(text string) error {
	n, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
	if err != nil || n < 0 || n > 100 {
		return fmt.Errorf("%q is no share; write 0 to 100 percent, like 30 or 30%%", text)
	}
	*p = percent(n)
	return nil
}

// String writes zero so that the help does not mention it as a default.
func (p *percent) String() string { return strconv.Itoa(int(*p)) }

func (p *percent) Type() string { return "percent" }

// oneOf is a flag that takes one of a few words.
type oneOf[T ~string] struct {
	value   *T
	allowed []T
}

func (f oneOf[T]) Set(text string) error {
	words := make([]string, len(f.allowed))
	for i, word := range f.allowed {
		if text == string(word) {
			*f.value = word
			return nil
		}
		words[i] = string(word)
	}
	return fmt.Errorf("choose one of %s", strings.Join(words, ", "))
}

func (f oneOf[T]) String() string {
	if f.value == nil {
		return ""
	}
	return string(*f.value)
}

func (f oneOf[T]) Type() string { return "word" }

// viewName reads the argument that names a view.
func viewName(text string) (catalog.Name, error) {
	name, err := catalog.ParseName(text)
	return name, usage(err, "")
}

var tablePart = regexp.MustCompile(`^("(?:[^"]|"")+"|[^".\s;]+)(\.|$)`)

// remoteTable turns SCHEMA.TABLE, or DATABASE.SCHEMA.TABLE, into a query of the whole table. Plain parts are folded to
// lower case, as Redshift does.
func remoteTable(text string) (query string, err error) {
	var parts []string
	for rest, more := text, true; more; {
		m := tablePart.FindStringSubmatch(rest)
		if m == nil {
			return "", errNoTable
		}
		part := sql.Folded(m[1])
		if strings.HasPrefix(m[1], `"`) {
			part = strings.ReplaceAll(m[1][1:len(m[1])-1], `""`, `"`)
		}
		if part, err = redshift.Ident(part); err != nil {
			return "", err
		}
		parts = append(parts, part)
		rest, more = rest[len(m[0]):], m[2] != ""
	}
	if len(parts) < 2 || len(parts) > 3 {
		return "", errNoTable
	}
	return "SELECT * FROM " + strings.Join(parts, "."), nil
}

var errNoTable = errors.New(`a table is written SCHEMA.TABLE, with double quotes around a part that is not a plain ` +
	`identifier: public."Net Sales"`)
