package main

import (
	"fmt"
	"slices"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
)

// How a step went. One that was not come to, or that is not needed, has no word.
const (
	stepOK     = "ok"
	stepFailed = "failed"
)

// way says how the steps went of which one failed, or none. Unneeded ones are left out.
func way(failed dblink.Step, unneeded ...dblink.Step) map[dblink.Step]string {
	went := map[dblink.Step]string{}
	for _, step := range dblink.Steps() {
		if step == failed {
			went[step] = stepFailed
			break
		}
		if !slices.Contains(unneeded, step) {
			went[step] = stepOK
		}
	}
	return went
}

// steps are all steps of a trial, as PostgreSQL and as this machine took them.
func (t *linkTrial) steps() []linkStepRecord {
	var unneeded []dblink.Step
	if t.link.HostAddr != "" {
		unneeded = append(unneeded, dblink.AtDNS)
	}
	if t.link.SSLMode == "disable" {
		unneeded = append(unneeded, dblink.AtTLS)
	}
	there, here := map[dblink.Step]string{}, map[dblink.Step]string{}
	if t.tried {
		there, here = way(t.there.Failed, unneeded...), way(t.here.failed, unneeded...)
	}
	names := dblink.Steps()
	if t.link.Managed() {
		names = append([]dblink.Step{stepAWS}, names...)
		here[stepAWS] = stepOK
		if t.aws != nil {
			here[stepAWS] = stepFailed
		}
	}
	records := make([]linkStepRecord, len(names))
	for i, step := range names {
		records[i] = linkStepRecord{string(step), some(there[step]), some(here[step])}
	}
	return records
}

func recordTrial(t *linkTrial) linkTestRecord {
	record := linkTestRecord{
		Link: t.link.Name, Took: secondsOf(t.took), Steps: t.steps(), FailedStep: some(string(t.failed())),
		Login: some(t.there.User), Host: t.link.Host, HostAddr: some(t.link.HostAddr), TLS: encrypted(t),
		linkSource: recordSource(t.link, t.state), ResolvedAt: utc(t.state.ResolvedAt),
	}
	if err := t.failure(); err != nil {
		record.Error, record.Hint = some(errorText(err)), some(hint(err))
	}
	if t.here.err != nil {
		record.HereError = some(infra.Message(t.here.err))
	}
	if record.Works = record.Error == nil; t.there.User != "" {
		roundTrip := secondsOf(t.there.RoundTrip)
		record.RoundTrip = &roundTrip
	}
	return record
}

// encrypted says whether the session is; nil where sslmode leaves it to the two sides, which PostgreSQL does not tell.
func encrypted(t *linkTrial) *bool {
	on := t.link.SSLMode != "disable"
	if t.there.User == "" || t.link.SSLMode == "allow" || t.link.SSLMode == "prefer" {
		return nil
	}
	return &on
}

func (s *connection) printTrial(t *linkTrial) error {
	var rows [][]string
	for _, step := range t.steps() {
		rows = append(rows, []string{step.Step, text(step.Database), text(step.Here)})
	}
	if err := s.printTable("", table{headings: []string{"STEP", "POSTGRESQL", "THIS MACHINE"}, rows: rows}); err != nil {
		return err
	}
	if err := s.printf("\n"); err != nil {
		return err
	}
	if err := s.printFacts(t.facts()); err != nil || t.failure() != nil {
		return err
	}
	return s.printf("\nlink %s works: %s answered in %s\n", t.link.Name, t.link.Database, brief(t.took))
}

// facts are what was found out beside the steps.
func (t *linkTrial) facts() [][2]string {
	return [][2]string{
		{"credentials", t.credentials()},
		{"address", t.address()},
		{"tls", encryption(t.link.SSLMode)},
		{"round trip", t.roundTrip()},
		{"this machine", t.trouble()},
		{"link rests", rest(recordRest(t.state))},
	}
}

func (t *linkTrial) credentials() string {
	words := loginOf(t.link)
	if t.there.User != "" {
		words += ", logged in as " + t.there.User
	}
	switch {
	case t.state.ExpiresAt != nil:
		words += ", ends " + expiry(t.state)
		if !t.state.ExpiresAt.After(t.state.Now) {
			words = loginOf(t.link) + ", " + expiry(t.state)
		}
	case t.link.Credentials == catalog.PasswordCredentials:
		words += ", renewed by hand"
	}
	return words
}

func (t *linkTrial) address() string {
	words := whereTo(t.link) + fmt.Sprintf(" port %d", t.link.Port)
	if t.state.ResolvedAt != nil {
		words += ", looked up " + brief(t.state.Now.Sub(*t.state.ResolvedAt)) + " ago"
	}
	return words
}

// encryption says what an sslmode makes of a session.
func encryption(mode string) string {
	switch mode {
	case "disable":
		return "off (sslmode disable)"
	case "allow", "prefer":
		return "as the server likes (sslmode " + mode + ")"
	case "verify-ca":
		return "on, with a certificate of the right authority (sslmode verify-ca)"
	case "verify-full":
		return "on, with a certificate for the host (sslmode verify-full)"
	}
	return "on, with whatever certificate (sslmode " + mode + ")"
}

func (t *linkTrial) roundTrip() string {
	if t.there.User == "" {
		return ""
	}
	words := fine(t.there.RoundTrip) + " for PostgreSQL"
	if t.tried && t.here.err == nil {
		words += ", " + fine(t.here.roundTrip) + " for this machine"
	}
	return words
}

// trouble is why this machine does not get there by itself.
func (t *linkTrial) trouble() string {
	if t.here.err == nil {
		return ""
	}
	return string(t.here.failed) + ": " + infra.Message(t.here.err)
}
