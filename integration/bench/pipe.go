package main

import (
	"context"
	"errors"
	"os"

	"github.com/redcache/redcache/internal/pgtest"
)

// pipePaths has the practical floor: one psql hands binary COPY to another, and a unique index is made. There is no
// name to keep and nobody to wait for. The readers look another table up, of the same shape and size.
func (w *world) pipePaths(context.Context) ([]*path, string, error) {
	const target, unrelated = "pipe.t", "pipe.unrelated"
	p := &path{name: "copy-pipe", table: w.big, copy: target, read: unrelated}
	p.setup = func(ctx context.Context) error {
		if err := execAll(ctx, w.cacheAdmin, "CREATE SCHEMA pipe AUTHORIZATION "+pgtest.Owner); err != nil {
			return err
		}
		_, err := w.pipe(ctx, unrelated)
		return err
	}
	p.prepare = func(ctx context.Context) error {
		return execAll(ctx, w.cacheAdmin, "DROP TABLE IF EXISTS "+target)
	}
	p.run = func(ctx context.Context) (outcome, error) { return w.pipe(ctx, target) }
	return []*path{p}, "", nil
}

// pipe makes a table and fills it.
func (w *world) pipe(ctx context.Context, target string) (o outcome, err error) {
	read, err := w.psql(w.source, w.sourceDB, pgtest.Owner, "COPY public.t TO STDOUT (FORMAT binary)")
	if err != nil {
		return o, err
	}
	write, err := w.psql(w.cache, w.cacheDB, pgtest.Owner,
		"CREATE TABLE "+target+" ("+namesAndTypes()+")",
		"COPY "+target+" FROM STDIN (FORMAT binary)",
		"CREATE UNIQUE INDEX ON "+target+" (id)")
	if err != nil {
		return o, err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return o, err
	}
	read.stdout, write.stdin = in, out
	writer, writerErr := write.start(ctx)
	reader, readerErr := read.start(ctx)
	_, _ = out.Close(), in.Close() // ours; the processes have their own
	var took [2]usage
	var errs [2]error
	for i, p := range []*process{reader, writer} {
		if p != nil {
			took[i], errs[i] = p.wait()
		}
	}
	o.usage = took[0].add(took[1])
	return o, errors.Join(writerErr, readerErr, errs[0], errs[1])
}
