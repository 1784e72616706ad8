package infra_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/redcache/redcache/infra"
)

// hostile are texts that do something to a terminal, or to whoever reads what it shows.
var hostile = map[string]string{
	"colour":               "\x1b[31mred",
	"title by OSC":         "\x1b]0;owned\x07",
	"C1 CSI":               "\u009b2J",
	"DEL":                  "a\x7fb",
	"right to left":        "invoice\u202egnp.exe",
	"isolate":              "\u2066x\u2069",
	"arabic mark":          "\u061cx",
	"zero width":           "pay\u200bpal",
	"word joiner":          "pay\u2060pal",
	"byte order mark":      "\ufeffx",
	"line separator":       "a\u2028b",
	"paragraph":            "a\u2029b",
	"next line":            "a\u0085b",
	"new line":             "ok\nlevel=ERROR msg=forged",
	"carriage return":      "ok\rforged",
	"backspace":            "ok\b\b",
	"tag characters":       "a\U000e0041\U000e0042",
	"soft hyphen":          "pass\u00adword",
	"private use":          "\ue000",
	"invalid UTF-8":        "a\xffb",
	"cut in a character":   "a\xe2\x82",
	"overlong":             "\xc0\x9b31m",
	"a surrogate by bytes": "\xed\xa0\x80",
}

func TestPrintable_ShowsAsEscapesWhatATerminalWouldActUpon(t *testing.T) {
	t.Parallel()
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := infra.Printable(text)
			if !utf8.ValidString(got) {
				t.Errorf("%q is not valid UTF-8", got)
			}
			for _, r := range got {
				if r < ' ' || r >= 0x7f {
					t.Errorf("got %q, with %U", got, r)
				}
			}
			if !strings.Contains(got, `\`) {
				t.Errorf("got %q, want an escape", got)
			}
		})
	}
}

func TestPrintable_LeavesWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain", "Zürich, 東京, ελλάδα, naïve — “quoted” 1\u00a0000 €", "e\u0301", "👍🏽", `C:\temp`, "　全角"} {
		if got := infra.Printable(text); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
}

func TestBounded_KeepsAFewKilobytesOfAnything(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("x", 5<<20), strings.Repeat("€", 2<<20), strings.Repeat("\xff", 5<<20), strings.Repeat("a\x00", 1<<20),
	} {
		got := infra.Bounded(text)
		if len(got) > 2000 {
			t.Errorf("%d bytes are left", len(got))
		}
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Errorf("%.40q cannot be stored", got)
		}
		if !strings.Contains(got, "bytes in all") {
			t.Errorf("…%q does not say that something is missing", got[len(got)-40:])
		}
	}
	if got := infra.Bounded("as it is"); got != "as it is" {
		t.Errorf("got %q", got)
	}
}

func TestPrintableJSON_EscapesAndStaysTheSameValue(t *testing.T) {
	t.Parallel()
	for name, text := range hostile {
		var out bytes.Buffer
		encoder := json.NewEncoder(infra.PrintableJSON(&out))
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(map[string]string{"text": text, "plain": "Zürich 👍"}); err != nil {
			t.Fatal(err)
		}
		for _, r := range out.String() {
			if r != '\n' && infra.Printable(string(r)) != string(r) {
				t.Errorf("%s: %q has %U", name, out.String(), r)
			}
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(text, "\ufffd"); utf8.ValidString(text) && back["text"] != want || back["plain"] != "Zürich 👍" {
			t.Errorf("%s: got %q back, want %q", name, back["text"], want)
		}
	}
}
