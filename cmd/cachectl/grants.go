package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/grants"
)

type grantsOptions struct {
	names         []catalog.Name
	all           bool
	maps          []string
	mapFile       string
	allowUnproven bool
	revokeAll     bool
	dryRun, json  bool

	mapping grants.Mapping
}

func (p *program) grantsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "grants COMMAND",
		Short: "Hold who may read the views against Redshift's permissions",
		Long: `Whoever may read a cached view here must be allowed to SELECT each of its sources on Redshift. These commands find
those who may not, and take their grants away. docs/grants.md says what is looked at, and what cannot be.`,
		Example: `  cachectl grants audit --all --map-file people.map
  cachectl grants sync bi.sales --map ann=ann_rs,team=group:sales --dry-run`,
		RunE: needsCommand,
	}
	cmd.AddCommand(p.grantsAuditCommand(), p.grantsSyncCommand())
	return cmd
}

func (p *program) grantsAuditCommand() *cobra.Command {
	var o grantsOptions
	cmd := &cobra.Command{
		Use:   "audit VIEW… | --all",
		Short: "List who reads a view and may not read its sources",
		Long: `Lists every role that can read a view (through a grant, PUBLIC, a membership, or a view over it) and that is not
proven to be allowed to SELECT all that the view's query names on Redshift, with the reason and with what lets it
read. A role that --map does not name is nobody there, so it is an excess. The exit status is 8 when there is any
excess, else 0. --json has all readers, the allowed ones too.`,
		Example: `  cachectl grants audit bi.sales \
    --map ann=ann_rs,team=group:sales,etl=role:loader
  cachectl grants audit --all --map-file people.map --json |
    jq -r '.[].readers[] | select(.excess) | .role'`,
		Args:              takes(0, -1),
		ValidArgsFunction: p.completeViews(-1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(args, p.stdin); err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error { return s.auditGrants(cmd.Context(), o) })
		},
	}
	o.register(cmd, "audit every view")
	return cmd
}

func (p *program) grantsSyncCommand() *cobra.Command {
	var o grantsOptions
	cmd := &cobra.Command{
		Use:   "sync VIEW… | --all",
		Short: "Revoke what the audit finds",
		Long: `Revokes from the published views, and takes out of their definitions, the roles that the audit finds to be an excess.
Nothing is ever granted, and nothing else is touched: an excess through a membership, or through somebody else's view,
is named and left, and the exit status is 8 then. A mapping that is empty, or that names nobody whom Redshift knows, is
refused without --revoke-all: it would take the views from everybody. Roles that were allowed but read only by a grant that had to go, one
to PUBLIC for instance, are named as well. A refresh that is under way is waited for.`,
		Example: `  cachectl grants sync bi.sales --map ann=ann_rs,team=group:sales --dry-run
  cachectl grants sync --all --map-file people.map`,
		Args:              takes(0, -1),
		ValidArgsFunction: p.completeViews(-1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(args, p.stdin); err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error { return s.syncGrants(cmd.Context(), o) })
		},
	}
	o.register(cmd, "sync every view")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	cmd.Flags().BoolVar(&o.revokeAll, "revoke-all", false,
		"go on although the mapping names nobody whom Redshift knows: all who read the views lose their grants")
	return cmd
}

func (o *grantsOptions) register(cmd *cobra.Command, all string) {
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, all)
	f.StringArrayVar(&o.maps, "map", nil, "who a role is on Redshift: `ROLE=USER`, ROLE=group:GROUP or ROLE=role:ROLE, "+
		"several with commas; names as they are, or in double quotes; may be given several times")
	f.StringVar(&o.mapFile, "map-file", "", "`file` with such entries, with commas or one a line; # begins a comment; - is stdin")
	f.BoolVar(&o.allowUnproven, "allow-unproven", false,
		"accept sources that more than a SELECT decides about (late-binding views, "+
			"external schemas, row-level security, masking), and queries whose sources cannot be told")
	f.BoolVar(&o.json, "json", false, jsonHelp)
}

// check reads the command line, and the mapping.
func (o *grantsOptions) check(args []string, stdin io.Reader) error {
	switch {
	case o.all && len(args) > 0:
		return usagef("", "--all and names of views exclude each other")
	case !o.all && len(args) == 0:
		return usagef("name views, or write --all", "no view was named")
	}
	for _, arg := range args {
		name, err := viewName(arg)
		if err != nil {
			return err
		}
		o.names = append(o.names, name)
	}
	o.mapping = grants.Mapping{}
	texts := o.maps
	if o.mapFile != "" {
		text, err := readMapping(o.mapFile, stdin)
		if err != nil {
			return usage(fmt.Errorf("read --map-file: %w", err), "")
		}
		texts = append(texts, text)
	}
	for _, text := range texts {
		if err := o.mapping.Add(text); err != nil {
			return usage(err, "")
		}
	}
	return nil
}

func readMapping(file string, stdin io.Reader) (string, error) {
	if file == "-" {
		text, err := io.ReadAll(stdin)
		return string(text), err
	}
	text, err := os.ReadFile(file)
	return strings.TrimPrefix(string(text), "\ufeff"), err
}

func (s *connection) auditor(o grantsOptions) *grants.Auditor {
	return grants.New(s.pool, grants.Config{
		Mapping: o.mapping, AllowUnproven: o.allowUnproven, RevokeAll: o.revokeAll, Ready: s.keeper.Ready,
	})
}

func (s *connection) auditGrants(ctx context.Context, o grantsOptions) error {
	report, err := s.auditor(o).Audit(ctx, o.names)
	if err != nil {
		return doing(err, "audit grants")
	}
	s.noteAll(report.Notes)
	records, rows, readers := []auditRecord{}, [][]string{}, 0
	for _, a := range report.Audits {
		records = append(records, recordAudit(a))
		for _, r := range a.Readers {
			readers++
			if r.Excess() {
				rows = append(rows, []string{
					a.View.String(), r.Role, text(some(r.Identity)), strings.Join(r.Reasons, "; "), strings.Join(waysOf(r), "; "),
				})
			}
		}
	}
	none := fmt.Sprintf("no excess: %s of %s", count(readers, "reader", "readers"), count(len(records), "view", "views"))
	if o.json {
		err = s.printJSON(records)
	} else {
		err = s.printTable(none, table{headings: []string{"VIEW", "ROLE", "REDSHIFT", "EXCESS", "READS BY"}, rows: rows})
	}
	if err != nil || len(rows) == 0 {
		return err
	}
	s.tell("%d of %s may not; `cachectl grants sync --dry-run` shows what would be revoked",
		len(rows), count(readers, "reader", "readers"))
	return foundError{exitFound}
}

func (s *connection) syncGrants(ctx context.Context, o grantsOptions) error {
	changes, notes, err := s.auditor(o).Sync(ctx, o.names, o.dryRun)
	s.noteAll(notes)
	left := 0
	for _, c := range changes {
		left += len(c.Left)
	}
	if failure := s.printChanges(changes, o); err == nil {
		err = failure
	}
	switch {
	case err != nil:
		return doing(err, "sync grants")
	case left > 0:
		return foundError{exitFound}
	}
	return nil
}

// printChanges prints what was revoked, and says what was not.
func (s *connection) printChanges(changes []grants.Change, o grantsOptions) error {
	records, plan := []grantsChangeRecord{}, []stepRecord{}
	for _, c := range changes {
		records = append(records, recordChange(c))
		for _, statement := range c.Statements {
			plan = append(plan, newStep("view "+c.View.String(), "revoke what goes too far", statement))
		}
		if !o.json && !o.dryRun {
			for _, r := range c.Revoked {
				why := strings.Join(r.Reasons, "; ")
				if err := s.printf("%s: %s no longer reads (%s)\n", c.View, r.Role, why); err != nil {
					return err
				}
			}
		}
		for _, r := range c.Left {
			s.tell("left: %s: %s still reads by %s", c.View, r.Role, strings.Join(waysOf(r), "; "))
		}
		for _, role := range c.Loses {
			s.tell("note: %s: %s was allowed to read, and only had what had to be revoked; --grant of alter-view lets it "+
				"read again", c.View, role)
		}
	}
	switch {
	case o.dryRun:
		return s.printPlan(plan, o.json)
	case o.json:
		return s.printJSON(records)
	case len(changes) == 0:
		s.tell("no excess")
	}
	return nil
}

func (s *connection) noteAll(notes []string) {
	for _, note := range notes {
		s.tell("note: %s", note)
	}
}

func waysOf(r grants.Reader) []string {
	ways := make([]string, len(r.Ways))
	for i, w := range r.Ways {
		ways[i] = w.String()
	}
	return ways
}
