package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/redcache/redcache/internal/pgtest"
)

// pipePaths has the practical floor: one psql hands binary COPY to another, and a unique index is made. There is no
// name to keep and nobody to wait for. The readers look another table up, of the same shape and size. A second pipe
// leaves the relay out, to show what that costs.
func (w *world) pipePaths(ctx context.Context) ([]*path, string, error) {
	err := execAll(ctx, w.cacheAdmin, "CREATE SCHEMA pipe AUTHORIZATION "+pgtest.Owner)
	return []*path{w.pipePath(floor, w.relay.port()), w.pipePath(directFloor, w.source.Port)}, "", err
}

func (w *world) pipePath(name string, port int) *path {
	target := "pipe." + strings.ReplaceAll(name, "-", "_")
	unrelated := target + "_unrelated"
	p := &path{name: name, table: w.big, copy: target, read: unrelated}
	p.setup = func(ctx context.Context) error {
		_, err := w.pipe(ctx, port, unrelated)
		return err
	}
	p.prepare = func(ctx context.Context) error {
		return execAll(ctx, w.cacheAdmin, "DROP TABLE IF EXISTS "+target)
	}
	p.run = func(ctx context.Context) (outcome, error) { return w.pipe(ctx, port, target) }
	return p
}

// pipe makes a table and fills it from the source at a port.
func (w *world) pipe(ctx context.Context, port int, target string) (o outcome, err error) {
	read, err := w.psql(w.source, w.sourceDB, pgtest.Owner, "COPY public.t TO STDOUT (FORMAT binary)")
	if err != nil {
		return o, err
	}
	read.env = append(read.env, "PGPORT="+strconv.Itoa(port)) // the last one counts
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
