package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// ownPaths are this project's strategies and transports, driven as an operator drives them.
func (w *world) ownPaths(ctx context.Context) ([]*path, string, error) {
	help, err := w.cachectl(ctx, "add-view", "--help")
	if err != nil {
		return nil, "", err
	}
	paths := []*path{
		w.own("nonconcurrent", w.big, "--strategy", "nonconcurrent"),
		w.own("concurrent", w.big, "--strategy", "concurrent"),
		w.own("incremental", w.big, "--strategy", "incremental", "--watermark", "updated_at"),
		w.own(incrSmall, w.small, "--strategy", "incremental", "--watermark", "updated_at"),
	}
	for _, p := range paths[1:3] {
		p.changed = levels
	}
	if !strings.Contains(help, "--transport") {
		return paths, "swap and merge, which this cachectl does not have", nil
	}
	for _, transport := range []string{"stream", "dblink"} {
		swap := w.own("swap+"+transport, w.big, "--strategy", "swap", "--transport", transport)
		merge := w.own("merge+"+transport, w.big, "--strategy", "merge", "--transport", transport)
		merge.changed = levels
		swap.transport, merge.transport = transport, transport
		paths = append(paths, swap, merge)
	}
	auto := w.own("auto", w.big, "--strategy", "auto")
	auto.changed = levels
	small := w.own(swapSmall, w.small, "--strategy", "swap", "--transport", "stream")
	small.transport = "stream"
	return append(paths, auto, small, w.skippedPath()), "", nil
}

// own is a view of the product and its refresh.
func (w *world) own(name string, t *table, flags ...string) *path {
	view := "bi." + strings.NewReplacer("+", "_", " ", "_").Replace(name)
	p := &path{name: name, ours: true, table: t, copy: view, state: "succeeded"}
	p.setup = func(ctx context.Context) error {
		_, err := w.cachectl(ctx, append([]string{"add-view", view, "--link", "dw", "--table", t.name, "--key", "id"}, flags...)...)
		return err
	}
	p.run = func(ctx context.Context) (outcome, error) { return w.refresh(ctx, view) }
	return p
}

// refresh runs cachectl refresh and returns what it says of the run.
func (w *world) refresh(ctx context.Context, view string) (o outcome, err error) {
	var stdout bytes.Buffer
	cmd := w.cachectlCommand("refresh", view, "--json")
	cmd.stdout = &stdout
	if o.usage, err = cmd.run(ctx); err != nil {
		return o, err
	}
	var runs []counts
	if err := json.Unmarshal(stdout.Bytes(), &runs); err != nil || len(runs) != 1 {
		return o, fmt.Errorf("read what cachectl says of %s: %w\n%s", view, err, stdout.Bytes())
	}
	o.counts = runs[0]
	return o, nil
}

func (w *world) cachectlCommand(args ...string) command {
	return command{
		name: filepath.Join(w.bin, "cachectl"), args: args,
		env: []string{"DATABASE_URL=" + w.cache.OwnerURL(w.cacheDB), "DW_PASSWORD=" + password},
	}
}

// cachectl runs the command and returns what it prints.
func (w *world) cachectl(ctx context.Context, args ...string) (string, error) {
	var stdout bytes.Buffer
	cmd := w.cachectlCommand(args...)
	cmd.stdout = &stdout
	_, err := cmd.run(ctx)
	return stdout.String(), err
}

// sqlText doubles the quotes of a literal.
func sqlText(s string) string { return strings.ReplaceAll(s, "'", "''") }
