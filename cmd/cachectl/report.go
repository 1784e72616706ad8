package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// usageError is something wrong with the command line, found before anything was connected to.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usage marks an error of the command line. Without a hint, the error's own is shown, or the way to the help.
func usage(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &usageError{err: err, hint: hint}
}

func usagef(hint, format string, args ...any) error { return usage(fmt.Errorf(format, args...), hint) }

// doingError says what was being done to what, in front of why it failed.
type doingError struct {
	what string
	err  error
}

func (e *doingError) Error() string {
	text := e.err.Error()
	if e.what == "" {
		return text
	}
	if rest, found := strings.CutPrefix(text, e.what); found && strings.IndexAny(rest, ": ") == 0 {
		return text // said where it happened, too
	}
	if _, object, found := strings.Cut(e.what, " "); found {
		text = strings.TrimPrefix(text, object+": ")
	}
	return e.what + ": " + text
}

func (e *doingError) Unwrap() error { return e.err }

// doing says what was being done when err happened.
func doing(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &doingError{what: fmt.Sprintf(format, args...), err: err}
}

// report tells the user what went wrong and what to do next, and returns the exit status.
func (p *program) report(ctx context.Context, cmd *cobra.Command, err error) int {
	if wrong := (*usageError)(nil); errors.As(err, &wrong) {
		p.complain(said(doing(err, "%s", strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()), " "))), wrong.advice(cmd))
		return exitUsage
	}
	// What cobra itself finds wrong, it finds before a command begins.
	if what, near, unknown := strings.Cut(err.Error(), "\n\nDid you mean this?\n"); unknown ||
		strings.HasPrefix(what, "unknown command ") {
		advice := "`cachectl --help` lists the commands"
		if names := strings.Fields(near); len(names) > 0 {
			advice = "did you mean " + strings.Join(names, " or ") + "?"
		}
		p.complain(what, advice)
		return exitUsage
	}
	p.fail(ctx, err)
	return exitFailed
}

// fail reports the failure of some work.
func (p *program) fail(ctx context.Context, err error) {
	if what := (*doingError)(nil); ctx.Err() != nil && errors.As(err, &what) {
		p.complain(what.what+": interrupted"+cameOf(err), hintRunning(err))
		return
	}
	p.complain(said(err), hint(err))
}

func (p *program) complain(what, hint string) {
	p.tell("cachectl: %s", what)
	if hint != "" {
		p.tell("hint: %s", strings.ReplaceAll(hint, "\n", " "))
	}
}

// tell says something that is no result.
func (p *program) tell(format string, args ...any) {
	fmt.Fprintf(p.stderr, format+"\n", shown(args)...)
}

func (e *usageError) advice(cmd *cobra.Command) string {
	if e.hint != "" {
		return e.hint
	}
	if known := hint(e.err); known != "" {
		return known
	}
	return "`" + cmd.CommandPath() + " --help` explains the command"
}

// cameOf is what became of what was running, as far as the servers have said.
func cameOf(err error) string {
	const canceled = "57014"
	if running, ok := errors.AsType[*infra.StillRunning](err); ok {
		return "; " + said(running)
	}
	for _, side := range []redshift.Side{redshift.There, redshift.Here} {
		if redshift.ServerCode(err, side) == canceled {
			return "; what was running has been cancelled on " + side.String()
		}
	}
	return ""
}

func hintRunning(err error) string {
	if !errors.As(err, new(*infra.StillRunning)) {
		return ""
	}
	return "It ends at its timeout. On Redshift, STV_RECENTS shows it to its user, and PG_TERMINATE_BACKEND(pid) ends it"
}
