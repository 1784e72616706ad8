package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/redcache/redcache/infra"
)

// Exit statuses.
const (
	exitDone    = 0 // done, or skipped because somebody else is at it
	exitFailed  = 1
	exitUsage   = 2 // found before anything was connected to
	exitChanges = 3 // what was planned changes something
	exitBreaks  = 4 // what was planned breaks something for readers
	exitFound   = 8 // the work is done, and has found what should not be
)

// foundError ends a command with what it has found: [exitFound], say. What there is to say has been said.
type foundError struct{ status int }

func (foundError) Error() string { return "something was found" }

// program is one run of cachectl with all that it has of the outside world.
type program struct {
	lookup      func(name string) (value string, found bool) // the environment
	stdin       io.Reader
	stdout      io.Writer
	stderr      io.Writer
	databaseURL string // --database-url
}

// run is the whole program. It returns the exit status.
func run(
	ctx context.Context, args []string, lookup func(string) (string, bool), stdin io.Reader, stdout, stderr io.Writer,
) int {
	if !isTerminal(stderr) { // a terminal can take it
		stderr = &sharedWriter{w: stderr}
	}
	p := &program{lookup: lookup, stdin: stdin, stdout: stdout, stderr: stderr}
	defer p.hearing(ctx)()
	root := p.command()
	root.SetArgs(args)
	root.SetIn(stdin)
	help := &keptError{to: stdout} // cobra, which writes help and version, does not say when that fails
	root.SetOut(help)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = wrap(help.err, "write to stdout")
	}
	if err == nil {
		return exitDone
	}
	if found, ok := errors.AsType[foundError](err); ok {
		return found.status
	}
	return p.report(ctx, cmd, err)
}

// command builds the tree of commands.
func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "cachectl",
		Short: "Keep low-latency copies of Amazon Redshift query results in PostgreSQL",
		Long: `cachectl provisions links from a PostgreSQL database to Amazon Redshift and manages the cached views that are read
through them.

The cache database is named by the environment variable DATABASE_URL. Results go to stdout, everything else to stderr.
Exit status: 0 done, skipped or unchanged, 1 failed or interrupted, 2 wrong usage, 8 found what should not be.`,
		Example: `  export DATABASE_URL=postgres://cache_owner:password@db.example.com:5432/app
  cachectl init
  cachectl link add dw --host dw.example.com --database prod --user cache_ro \
    --password-env DW_PASSWORD
  cachectl add-view bi.sales --link dw --table public.sales --key id \
    --every 5m --max-age 15m
  cachectl status bi.sales`,
		SilenceErrors: true, SilenceUsage: true,
		RunE: needsCommand,
	}
	root.PersistentFlags().StringVar(&p.databaseURL, "database-url", "", "cache database `URL`, instead of the variable "+
		"DATABASE_URL; prefer the variable: a password on the command line shows in process lists and in shell histories")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(wrongFlag)
	root.Version = infra.Version()
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.AddCommand(p.initCommand(), p.linkCommand(), p.queryCommand(), p.addViewCommand(), p.alterViewCommand(),
		p.dropViewCommand(), p.compileCommand(), p.applyCommand(), p.planCommand(), p.rollbackCommand(), p.exportCommand(),
		p.graphCommand(), p.impactCommand(), p.whyCommand(),
		p.lineageCommand(), p.listCommand(), p.statusCommand(),
		p.refreshCommand(), p.runsCommand(), p.locksCommand(), p.doctorCommand(), p.grantsCommand(), p.versionCommand(), p.completionCommand())
	root.SetHelpCommand(helpCommand())
	fitHelp(root)
	return root
}

// keptError is a writer that keeps its first error.
type keptError struct {
	to  io.Writer
	err error
}

func (w *keptError) Write(text []byte) (int, error) {
	n, err := w.to.Write(text)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// isTerminal says whether a human is likely to read w right now.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
