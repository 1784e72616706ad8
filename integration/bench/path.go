package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// path is one way to make a copy and keep it.
type path struct {
	name  string
	ours  bool
	table *table // what is copied
	copy  string // the relation that has the copy, by the name that applications use

	// changed are the shares of rows, in percent, that change before it is measured. Nil means that the path rewrites
	// everything whatever has changed; it is measured once a round.
	changed []int

	state     string // in which a measured run must say that it ended; empty where nothing is said
	transport string // that it must say to have used; empty where any will do

	// read is what the readers look up; empty means the copy.
	read string

	setup   func(ctx context.Context) error // once, and leaves a copy behind
	prepare func(ctx context.Context) error // before each run, and not measured; may be nil
	run     func(ctx context.Context) (outcome, error)

	order  int // among all paths
	synced int // the table's version at the last run
}

// outcome is what one run of a path took, and what it says that it has done.
type outcome struct {
	usage
	counts
}

// counts are what a path says of a run. Nil is unknown.
type counts struct {
	State     string `json:"state,omitempty"`
	Strategy  string `json:"strategy,omitempty"`
	Transport string `json:"transport,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Read      *int64 `json:"rows_read,omitempty"`
	Inserted  *int64 `json:"rows_inserted,omitempty"`
	Updated   *int64 `json:"rows_updated,omitempty"`
	Deleted   *int64 `json:"rows_deleted,omitempty"`
}

// levels are the shares of rows that change, in percent, in the order of a round.
var levels = []int{0, 1, 100}

// anyLevel is where the paths are measured to which it makes no difference.
const anyLevel = 1

// at tells whether the path is measured at a level.
func (p *path) at(level int) bool {
	if p.changed == nil {
		return level == anyLevel
	}
	return slices.Contains(p.changed, level)
}

// scenario is the name of the path's runs at a level.
func (p *path) scenario(level int) string {
	if len(p.changed) < 2 {
		return p.name
	}
	return p.name + " " + percent(level)
}

func percent(level int) string { return strconv.Itoa(level) + "%" }

// paths sets up those that were asked for, and says what cannot be measured here.
func (w *world) paths(ctx context.Context) (paths []*path, skipped []string, err error) {
	only, err := regexp.Compile(w.only)
	if err != nil {
		return nil, nil, fmt.Errorf("read -only: %w", err)
	}
	for _, family := range []func(context.Context) ([]*path, string, error){
		w.sqlPaths, w.pipePaths, w.mimeoPaths, w.ownPaths,
	} {
		some, why, err := family(ctx)
		if err != nil {
			return nil, nil, err
		}
		if why != "" {
			say("not measured: %s", why)
			skipped = append(skipped, why)
		}
		for _, p := range some {
			if !only.MatchString(p.name) {
				continue
			}
			say("setting up %s", p.name)
			if err := p.setup(ctx); err != nil {
				return nil, nil, fmt.Errorf("set up %s: %w", p.name, err)
			}
			p.order = len(paths)
			paths = append(paths, p)
		}
	}
	return paths, skipped, nil
}
