package catalog_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/redcache/redcache/catalog"
)

func drawDefinition(t *rapid.T) catalog.Definition {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "id", `a "b"`, "é<&>\u2028"}), rapid.StringN(0, 5, -1))
	list := rapid.SliceOfN(text, 0, 3)
	span := rapid.Map(rapid.Int64Range(0, 20*24*3600*1e6), func(micros int64) time.Duration { return time.Duration(micros) * time.Microsecond })
	d := catalog.Defaults()
	d.Kind = rapid.SampledFrom([]catalog.SourceKind{catalog.RemoteSource, catalog.LocalSource}).Draw(t, "kind")
	d.LinkName, d.Query, d.Split, d.Sessions = text.Draw(t, "link"), text.Draw(t, "query"), text.Draw(t, "split"), rapid.IntRange(1, 64).Draw(t, "sessions")
	d.NulBytes = rapid.SampledFrom([]catalog.NulBytes{catalog.StripNul, catalog.TrustNul}).Draw(t, "nul bytes")
	d.Transport = rapid.SampledFrom(catalog.Transports).Draw(t, "transport")
	d.SkipUnchanged = rapid.SampledFrom(catalog.SkipModes).Draw(t, "skip")
	d.ReadyWhen = text.Draw(t, "ready when")
	d.Strategy = rapid.SampledFrom(catalog.Strategies).Draw(t, "strategy")
	d.Key, d.Indexes, d.Grantees, d.Checks = list.Draw(t, "key"), list.Draw(t, "indexes"), list.Draw(t, "grantees"), list.Draw(t, "checks")
	d.Watermark, d.Lookback, d.Group = text.Draw(t, "watermark"), text.Draw(t, "lookback"), text.Draw(t, "group")
	d.SafetyLag, d.ReconcileEvery, d.RefreshEvery = span.Draw(t, "lag"), span.Draw(t, "reconcile"), span.Draw(t, "every")
	d.MaxAge, d.Timeout, d.AllowShrink = span.Draw(t, "max age"), span.Draw(t, "timeout"), rapid.IntRange(0, 100).Draw(t, "shrink")
	d.Owner, d.Description = text.Draw(t, "owner"), text.Draw(t, "description")
	return d
}

// What is written comes back; two are equal, and have one hash, exactly where they are written alike.
func TestDefinition_ComesBackAsItWent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawDefinition(t), drawDefinition(t)
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back catalog.Definition
		if err := json.Unmarshal(text, &back); err != nil || !back.Equal(a) || back.Hash() != a.Hash() {
			t.Fatalf("%s came back as %+v, %v", text, back, err)
		}
		if a.SafetyLag != back.SafetyLag || a.ReconcileEvery != back.ReconcileEvery || a.RefreshEvery != back.RefreshEvery ||
			a.MaxAge != back.MaxAge || a.Timeout != back.Timeout || !slices.Equal(a.Key, back.Key) {
			t.Fatalf("%+v came back as %+v", a, back)
		}
		other, err := json.Marshal(b)
		if alike := string(text) == string(other); err != nil || a.Equal(b) != alike || (a.Hash() == b.Hash()) != alike {
			t.Fatalf("%s and %s: equal %t, %v", text, other, a.Equal(b), err)
		}
	})
}

// A list that nobody has given, and one that is empty, say the same.
func TestDefinition_SaysNothingByAnEmptyList(t *testing.T) {
	t.Parallel()
	none, empty := catalog.Defaults(), catalog.Defaults()
	empty.Key, empty.Indexes, empty.Grantees, empty.Checks = []string{}, []string{}, []string{}, []string{}
	if !none.Equal(empty) || none.Hash() != empty.Hash() {
		t.Error("they differ")
	}
}

// What an older version has not written is as it is by default; only of the strategy nothing is taken for granted.
func TestDefinition_OfAnOlderVersion(t *testing.T) {
	t.Parallel()
	var d catalog.Definition
	if err := json.Unmarshal([]byte(`{"source": {"query": "SELECT 1"}, "max_age": 0.000001}`), &d); err != nil {
		t.Fatal(err)
	}
	want := catalog.Defaults()
	want.Query, want.MaxAge = "SELECT 1", time.Microsecond
	if !d.Equal(want) {
		t.Errorf("got %+v", d)
	}
	if !d.Rebuilds(nil, d, nil) {
		t.Error("rows of a definition that is not known are taken for those of this one")
	}
}

func TestDefinition_IsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/definitions.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 && strings.Contains(cells[1], "`") {
			documented = append(documented, strings.Trim(cells[1], " `"))
		}
	}
	written, err := json.Marshal(catalog.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(written, &fields); err != nil {
		t.Fatal(err)
	}
	var all []string
	for name, value := range fields {
		inner, nested := value.(map[string]any)
		if !nested {
			all = append(all, name)
		}
		for part := range inner {
			all = append(all, name+"."+part)
		}
	}
	slices.Sort(all)
	slices.Sort(documented)
	if !slices.Equal(all, documented) {
		t.Errorf("written: %q\ndocumented: %q", all, documented)
	}
}

// JSON would take other texts for these, without a word.
func TestDefinition_RefusesTextsThatCannotBeStored(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a\xffb", "a\x00b"} {
		for name, write := range map[string]func(*catalog.Definition){
			"group":     func(d *catalog.Definition) { d.Group = text },
			"index":     func(d *catalog.Definition) { d.Indexes = []string{"ok", text} },
			"grantee":   func(d *catalog.Definition) { d.Grantees = []string{text} },
			"key":       func(d *catalog.Definition) { d.Key = []string{text} },
			"watermark": func(d *catalog.Definition) { d.Watermark = text },
			"condition": func(d *catalog.Definition) { d.ReadyWhen = text },
		} {
			d := catalog.Defaults()
			d.Strategy = catalog.Swap
			write(&d)
			if err := d.Check(); err == nil || !strings.Contains(err.Error(), "no text that can be stored") {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	}
}

// What is told to people stands in one line of a status.
func TestDefinition_RefusesWhatDoesNotStandInALine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"the team\nof sales": "has a line break", "\x1b[31mred": "has a line break", "a\x00b": "no text that can be stored",
		strings.Repeat("é", 501): "has 1002 bytes", strings.Repeat("é", 500): "", "von Größe, “quoted”": "",
	} {
		for _, draft := range []catalog.Draft{{Owner: &text}, {Description: &text}, {ReadyWhen: &text}} {
			err := draft.Check()
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", text, err, want)
			}
		}
	}
}

// Of rows that are here nothing is said that only concerns those on Redshift.
func TestDefinition_OfALocalSource(t *testing.T) {
	t.Parallel()
	local := catalog.Defaults()
	local.Kind, local.Query, local.Strategy = catalog.LocalSource, "SELECT 1", catalog.Swap
	if err := local.Check(); err != nil {
		t.Fatal(err)
	}
	for name, say := range map[string]func(*catalog.Definition){
		"a link":      func(d *catalog.Definition) { d.LinkName = "dw" },
		"a transport": func(d *catalog.Definition) { d.Transport = catalog.StreamTransport },
		"zero bytes":  func(d *catalog.Definition) { d.NulBytes = catalog.TrustNul },
		"skipping":    func(d *catalog.Definition) { d.SkipUnchanged = catalog.SkipAuto },
		"a condition": func(d *catalog.Definition) { d.ReadyWhen = "SELECT true" },
		"a split":     func(d *catalog.Definition) { d.Split, d.Sessions = "id", 2 },
		"a watermark": func(d *catalog.Definition) { d.Strategy, d.Watermark = catalog.Incremental, "at" },
	} {
		d := local
		say(&d)
		if err := d.Check(); err == nil || !strings.Contains(err.Error(), "its source is local") {
			t.Errorf("%s: %v", name, err)
		}
		d.Kind = catalog.RemoteSource
		if err := d.Check(); err != nil {
			t.Errorf("%s on Redshift: %v", name, err)
		}
	}
	nowhere := local
	nowhere.Kind = "elsewhere"
	if err := nowhere.Check(); err == nil || !local.Rebuilds(nil, func() catalog.Definition { d := local; d.Kind = catalog.RemoteSource; return d }(), nil) {
		t.Errorf("%v", err)
	}
}
