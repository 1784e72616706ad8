package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/doctor"
	"github.com/redcache/redcache/infra/cloud"
)

func (p *program) doctorCommand() *cobra.Command {
	var asJSON, verbose bool
	var link string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine database, links and views, and say what to do",
		Long: `Examines the cache database, its settings, the links to Redshift, the views, storage and rights, and says of each thing
that is wrong, or will be, what to do about it. docs/doctor.md explains every check.

Nothing is changed, and no password is renewed. Where host names are AWS's, AWS is asked for zones and addresses;
without credentials for it, these checks are unknown, which is no failure.
Exit status: 0 nothing has failed, 8 a check has failed, 1 the examination itself failed, 2 wrong usage.`,
		Example: `  cachectl doctor
  cachectl doctor --link dw --verbose
  cachectl doctor --json`,
		Args:              takes(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.connected(cmd.Context(), func(s *connection) error {
				checks, err := s.examine(cmd.Context(), link)
				if err != nil {
					return doing(err, "examine cache database")
				}
				return s.printChecks(checks, asJSON, verbose)
			})
		},
	}
	cmd.Flags().StringVar(&link, "link", "", "only this `link` and its views; all when not given")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "also show each check that is ok, and all of many findings alike")
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	_ = cmd.RegisterFlagCompletionFunc("link", p.completeLinks) // the flag exists
	return cmd
}

func (s *connection) examine(ctx context.Context, link string) ([]doctor.Check, error) {
	return doctor.New(s.pool, doctor.Config{
		Link: link, AWS: cloud.New(), DatabaseHost: s.pool.Config().ConnConfig.Host, Now: time.Now, Resolve: resolve,
	}).Examine(ctx)
}

func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

type checkRecord struct {
	ID      string        `json:"id"`
	Theme   doctor.Theme  `json:"theme"`
	About   string        `json:"about"`
	Result  doctor.Result `json:"result"`
	Finding string        `json:"finding"`
	Fix     *string       `json:"fix"`
	Docs    string        `json:"docs"`
}

func (p *program) printChecks(checks []doctor.Check, asJSON, verbose bool) error {
	var err error
	if asJSON {
		records := []checkRecord{}
		for _, c := range checks {
			records = append(records, checkRecord{c.ID, c.Theme, c.About, c.Result, c.Finding, some(c.Fix), c.Docs()})
		}
		err = p.printJSON(records)
	} else {
		err = p.printf("%s", lines(readable(checks, verbose)))
	}
	if err == nil && slices.ContainsFunc(checks, func(c doctor.Check) bool { return c.Result == doctor.Failed }) {
		return foundError{exitFound}
	}
	return err
}

// order is that in which results matter.
var order = map[doctor.Result]int{doctor.Failed: 0, doctor.Warning: 1, doctor.Unknown: 2, doctor.OK: 3}

// alike is how many findings of one check are shown in full.
const alike = 5

// readable puts what has failed first. Within a result, checks stay in their order.
func readable(checks []doctor.Check, verbose bool) string {
	checks = slices.Clone(checks)
	slices.SortStableFunc(checks, func(a, b doctor.Check) int { return cmp.Compare(order[a.Result], order[b.Result]) })
	var b strings.Builder
	shown, total := map[string]int{}, map[doctor.Result]int{}
	for i, c := range checks {
		total[c.Result]++
		kind := string(c.Result) + c.ID
		shown[kind]++
		switch {
		case c.Result == doctor.OK && !verbose:
		case shown[kind] <= alike || verbose:
			writeCheck(&b, c)
		}
		last := i == len(checks)-1 || checks[i+1].Result != c.Result || checks[i+1].ID != c.ID
		if more := shown[kind] - alike; last && more > 0 && !verbose && c.Result != doctor.OK {
			fmt.Fprintf(&b, "%*sand %d more of %s, which --verbose shows\n", indent, "", more, c.ID)
		}
	}
	fmt.Fprintf(&b, "%s, %s, %d unknown, %d ok\n", count(total[doctor.Failed], "failure", "failures"),
		count(total[doctor.Warning], "warning", "warnings"), total[doctor.Unknown], total[doctor.OK])
	return b.String()
}

// indent is the width of the first column.
const indent = 9

func writeCheck(b *strings.Builder, c doctor.Check) {
	fmt.Fprintf(b, "%-*s%s [%s]\n", indent, c.Result, printable(c.About+": "+c.Finding), c.ID)
	if c.Fix != "" {
		fmt.Fprintf(b, "%*sfix: %s\n", indent, "", printable(c.Fix))
	}
}
