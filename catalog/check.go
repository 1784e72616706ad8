package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/redcache/redcache/infra"
)

// MaxSessions is the most that a split read can have, which is also the most that a link can have.
const MaxSessions = 64

// Check finds what contradicts itself in a definition, whatever its query returns. The error is an [*InvalidError].
func (d Definition) Check() error {
	return first(d.checkEach, d.checkSource, d.checkNeeds, d.checkStrategy, d.checkRowless, d.checkPromise, d.checkReading)
}

// checkEach finds what is wrong by itself, whatever else the definition says.
func (d Definition) checkEach() error {
	return first(d.checkTexts, d.checkWords, d.checkNumbers, d.checkTimes, d.checkLookback, d.checkRules)
}

func first(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkTexts refuses what cannot be stored: PostgreSQL keeps no NUL, and JSON nothing but UTF-8. The
// query is read more closely elsewhere.
func (d Definition) checkTexts() error {
	texts := slices.Concat([]string{d.LinkName, d.Split, d.Watermark, d.Lookback, d.Group, d.ReadyWhen, d.Owner, d.Description}, d.Key, d.Indexes, d.Grantees, d.Checks)
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return invalid("write it in UTF-8, without zero bytes", "%q is no text that can be stored", infra.Bounded(text))
		}
	}
	return d.checkTold()
}

// maxTold is how long what is told to people may be, in bytes.
const maxTold = 1000

// checkTold refuses what would not stand in a line of a status.
func (d Definition) checkTold() error {
	for _, said := range [][2]string{{"--owner", d.Owner}, {"--description", d.Description}, {"--ready-when", d.ReadyWhen}} {
		switch flag, text := said[0], said[1]; {
		case strings.ContainsFunc(text, unicode.IsControl):
			return invalid("write it in one line", "%s has a line break, a tab or another control character", flag)
		case len(text) > maxTold:
			return invalid(fmt.Sprintf("use at most %d", maxTold), "%s has %d bytes", flag, len(text))
		}
	}
	return nil
}

// checkWords refuses what is no word of ours.
func (d Definition) checkWords() error {
	switch {
	case d.traits().Strategy == "":
		return invalid("choose one of "+joinSome(words(Strategies), len(Strategies)), "strategy %q does not exist", d.Strategy)
	case !slices.Contains(Transports, d.Transport):
		return invalid("choose auto, dblink or stream", "transport %q does not exist", d.Transport)
	case !slices.Contains(SkipModes, d.SkipUnchanged):
		return invalid("choose off, auto, modified or content", "skip-unchanged %q does not exist", d.SkipUnchanged)
	case d.Kind != RemoteSource && d.Kind != LocalSource:
		return invalid("choose remote or local", "source %q does not exist", d.Kind)
	case d.NulBytes != StripNul && d.NulBytes != TrustNul:
		return invalid("choose strip or trust", "nul-bytes %q does not exist", d.NulBytes)
	}
	return nil
}

// checkSource refuses to say of rows that are here how they are brought from Redshift.
func (d Definition) checkSource() error {
	if d.Kind == RemoteSource {
		return d.checkRemote()
	}
	at := 0
	for _, r := range d.References {
		if r.From < at || r.To <= r.From || r.To > len(d.Query) {
			return invalid("define it again", "its query names %s at a place that it does not have", r.Name)
		}
		at = r.To
	}
	const instead = "; or have its query run on Redshift, over tables there: --source redshift and --link"
	here := "choose --strategy " + told("or", func(t Traits) bool { return t.Shows(LocalSource) })
	flags := d.remoteFlags()
	switch {
	case flags != nil:
		return invalid("leave "+strings.Join(flags, ", ")+" out"+instead,
			"its source is local, in other views of the cache, and is not read through a link")
	case d.Group != "":
		return invalid("leave --group out"+instead, "its source is local, and a group is of one snapshot of Redshift")
	case d.Watermark != "" || d.traits().Watermark:
		return invalid(here+", without --watermark"+instead, "its source is local, and a watermark is for a source on Redshift")
	case d.Materialized():
		return invalid(here+instead, "its source is local, and a materialized view, as strategy %s makes, would not let go of old "+
			"generations of what it reads", d.Strategy)
	}
	return nil
}

// checkRemote refuses to show what is on Redshift without keeping it here.
func (d Definition) checkRemote() error {
	if d.traits().Shows(RemoteSource) {
		return nil
	}
	return invalid("cache what it reads as views of their own, and read these: --source cache; or choose another --strategy",
		"strategy %s keeps no rows, and its source is on Redshift", d.Strategy)
}

// checkRowless refuses to say of rows that are not kept how they are.
func (d Definition) checkRowless() error {
	var flags []string
	for _, said := range []struct {
		flag  string
		given bool
	}{{"--key", len(d.Key) > 0}, {"--index", len(d.Indexes) > 0}, {"--every", d.RefreshEvery != 0}, {"--check", len(d.Checks) > 0}} {
		if said.given {
			flags = append(flags, said.flag)
		}
	}
	if !d.Rowless() || flags == nil {
		return nil
	}
	return invalid("leave "+strings.Join(flags, ", ")+" out, or choose another --strategy",
		"strategy %s keeps no rows: they have no index, and nothing is refreshed, nor checked before it is seen", d.Strategy)
}

// remoteFlags are the flags by which it says how Redshift is read.
func (d Definition) remoteFlags() (flags []string) {
	plain := Defaults().Source
	for _, said := range []struct {
		flag  string
		given bool
	}{
		{"--link", d.LinkName != plain.LinkName},
		{"--nul-bytes", d.NulBytes != plain.NulBytes},
		{"--transport", d.Transport != plain.Transport},
		{"--skip-unchanged", d.SkipUnchanged != plain.SkipUnchanged},
		{"--ready-when", d.ReadyWhen != plain.ReadyWhen},
		{"--split", d.Split != plain.Split},
		{"--sessions", d.Sessions != plain.Sessions},
	} {
		if said.given {
			flags = append(flags, said.flag)
		}
	}
	return flags
}

func (d Definition) checkNumbers() error {
	switch {
	case len(d.Group) > maxName:
		return invalid(fmt.Sprintf("use at most %d", maxName), "its group has a name of %d bytes", len(d.Group))
	case d.AllowShrink < 0 || d.AllowShrink > 100:
		return invalid("choose 0 to 100 percent", "--allow-shrink is %d", d.AllowShrink)
	case d.Sessions < 1 || d.Sessions > MaxSessions:
		return invalid(fmt.Sprintf("choose 1 to %d, and at most the link's --max-concurrency", MaxSessions),
			"--sessions is %d", d.Sessions)
	}
	return nil
}

// checkNeeds refuses a strategy without what it needs.
func (d Definition) checkNeeds() error {
	its := d.traits()
	switch {
	case its.Key != "" && len(d.Key) == 0:
		return invalid("name the columns that identify a row with --key a,b, or choose --strategy "+string(its.Keyless),
			"strategy %s needs a key, %s", d.Strategy, its.Key)
	case its.Watermark && d.Watermark == "":
		return invalid("name a column that only grows with --watermark, or choose another --strategy",
			"strategy %s needs a watermark", d.Strategy)
	}
	return nil
}

// checkStrategy refuses what the strategy does not use.
func (d Definition) checkStrategy() error {
	its := d.traits()
	readsPast := func(t Traits) bool { return t.Watermark }
	switch {
	case !its.Watermark && d.Watermark != "":
		return invalid("choose --strategy "+told("or", readsPast)+", or leave --watermark out",
			"strategy %s reads everything and uses no watermark", d.Strategy)
	case !its.Watermark && (d.Lookback != "" || d.SafetyLag != 0 || d.ReconcileEvery != 0):
		return invalid("name a column that only grows with --watermark, or leave them out",
			"--lookback, --safety-lag and --reconcile-every are for strategy %s, and this is %s", told("or", readsPast), d.Strategy)
	}
	return nil
}

// checkLookback refuses what fits no kind of watermark. Which kind it is shows when the query is described.
func (d Definition) checkLookback() error {
	span, err := ParseDuration(d.Lookback)
	switch {
	case d.Lookback == "":
		return nil
	case err == nil && span > 0 && span < time.Microsecond: // which PostgreSQL would take for none at all
		return invalid("choose at least 1us, or 0", "--lookback %s is too short", d.Lookback)
	case err == nil && span >= 0, isNumber(d.Lookback):
		return nil
	}
	return invalid("write --lookback 10m for a watermark in time, --lookback 1000 for a number",
		"--lookback %q is neither a duration nor a number of zero or more", infra.Bounded(d.Lookback))
}

// checkRules refuses checks that cannot be read, and more of them than a person looks through.
func (d Definition) checkRules() error {
	const most = 100
	if len(d.Checks) > most {
		return invalid(fmt.Sprintf("use at most %d", most), "it has %d checks", len(d.Checks))
	}
	for _, text := range d.Checks {
		if len(text) > maxTold {
			return invalid(fmt.Sprintf("use at most %d", maxTold), "a --check has %d bytes", len(text))
		}
	}
	_, err := d.Rules()
	return err
}

// checkReading refuses ways to read that the rest of the definition rules out.
func (d Definition) checkReading() error {
	streamed := func(t Traits) bool { return t.Takes(StreamTransport) }
	splits := func(t Traits) bool { return t.Splits }
	switch {
	case !d.traits().Takes(d.Transport):
		return invalid("choose --strategy "+told("or", streamed)+", or leave --transport out",
			"PostgreSQL itself reads the rows of strategy %s, through dblink", d.Strategy)
	case d.Split == "" && d.Sessions > 1:
		return invalid("name a column of numbers, dates or timestamps with --split, or leave --sessions out",
			"%d sessions need a column by which the read is split", d.Sessions)
	case d.Split == "":
		return nil
	case !d.traits().Splits:
		return invalid("choose --strategy "+told("or", splits)+", or leave --split out",
			"a read by strategy %s is not split", d.Strategy)
	case d.Transport == DblinkTransport:
		return invalid("choose --transport stream, or leave --split out", "only transport stream can split a read")
	case d.Sessions == 1:
		return invalid("say over how many, like --sessions 4", "--split needs two sessions or more")
	}
	return nil
}

func words[T ~string](all []T) []string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = string(one)
	}
	return texts
}
