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

// usageError is a mistake on the command line. It is found before anything is connected to.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usage marks an error as one of the command line. Without a hint, the error's own hint is shown, or where the help is.
func usage(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &usageError{err: err, hint: hint}
}

func usagef(hint, format string, args ...any) error { return usage(fmt.Errorf(format, args...), hint) }

// doingError puts in front of an error what was being done, and to what.
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
		return text // it says so already
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

// report prints what went wrong and what to do next, and returns the exit status.
func (p *program) report(ctx context.Context, cmd *cobra.Command, err error) int {
	if wrong := (*usageError)(nil); errors.As(err, &wrong) {
		p.complain(errorText(doing(err, "%s", strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()), " "))), wrong.advice(cmd))
		return exitUsage
	}
	// Cobra finds its own errors before a command begins.
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

// fail prints why a command, or one step of it, failed.
func (p *program) fail(ctx context.Context, err error) {
	if what := (*doingError)(nil); ctx.Err() != nil && errors.As(err, &what) {
		p.complain(what.what+": interrupted"+interruption(err), hintRunning(err))
		return
	}
	p.complain(errorText(err), hint(err))
}

func (p *program) complain(what, hint string) {
	p.tell("cachectl: %s", what)
	if hint != "" {
		p.tell("hint: %s", strings.ReplaceAll(hint, "\n", " "))
	}
}

// tell prints a line to stderr: something that is not a result.
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

// interruption says what happened to the statement that was running, if a server has told.
func interruption(err error) string {
	const canceled = "57014"
	if running, ok := errors.AsType[*infra.StillRunning](err); ok {
		return "; " + errorText(running)
	}
	for _, side := range []redshift.Side{redshift.There, redshift.Here} {
		if redshift.ServerCode(err, side) == canceled {
			return "; what was running has been cancelled on " + side.String()
		}
	}
	return ""
}

// hintRunning says how to end a statement that still runs.
func hintRunning(err error) string {
	if !errors.As(err, new(*infra.StillRunning)) {
		return ""
	}
	return "It ends at its timeout. On Redshift, STV_RECENTS shows it to its user, and PG_TERMINATE_BACKEND(pid) ends it"
}
