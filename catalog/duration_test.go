package catalog_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/redcache/redcache/catalog"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "30s": 30 * time.Second, "1h30m": 90 * time.Minute, "7d": 7 * 24 * time.Hour,
		"1d12h": 36 * time.Hour, "0s": 0, "250ms": 250 * time.Millisecond,
	} {
		if got, err := catalog.ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%s) = %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "d", "7 days", "99999d", "1h7d", "five"} {
		if got, err := catalog.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %s, want an error", text, got)
		}
	}
}

func TestFormatDuration_IsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(1000*24*time.Hour)).Draw(t, "d"))
		text := catalog.FormatDuration(d)
		if got, err := catalog.ParseDuration(text); err != nil || got != d {
			t.Fatalf("%d is written as %s and read as %d, %v", d, text, got, err)
		}
	})
	for d, want := range map[time.Duration]string{
		15 * time.Minute: "15m", 2 * time.Hour: "2h", 24 * time.Hour: "1d", 36 * time.Hour: "1d12h", 0: "0s",
	} {
		if got := catalog.FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestParseDuration_RefusesWhatWouldMeanSomethingElse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"99999999h": "too long", "99999d": "too long",
		"9223372037s": "too long", "soon": "no duration", "99999999h30m": "too long", "9999999999999999999ns": "too long",
		"10000d2562047h": "too long", "99999999.5h": "too long", "1d99999999h": "too long",
	} {
		if d, err := catalog.ParseDuration(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %s, %v", text, d, err)
		}
	}
}
