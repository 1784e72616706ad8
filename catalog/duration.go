package catalog

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/redcache/redcache/infra"
)

var days = regexp.MustCompile(`^(\d+)d`)

// maxDays is how many days a duration may have: enough for everybody, and no clock runs over.
const maxDays = 10_000

// ParseDuration reads Go's durations (90s, 1h30m) with days in front (7d, 1d12h). A day has 24 hours.
func ParseDuration(text string) (time.Duration, error) {
	rest, whole := text, time.Duration(0)
	if m := days.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n > maxDays {
			return 0, tooLong(text)
		}
		whole, rest = time.Duration(n)*24*time.Hour, text[len(m[0]):]
	}
	if rest == "" && whole > 0 || text == "0" {
		return whole, nil
	}
	part, err := time.ParseDuration(rest)
	switch {
	case err != nil && number.MatchString(rest):
		return 0, tooLong(text)
	case err != nil:
		return 0, fmt.Errorf("%q is no duration; write 30s, 5m, 2h or 7d", infra.Bounded(text))
	}
	if whole > maxDays*24*time.Hour-part {
		return 0, tooLong(text)
	}
	return whole + part, nil
}

func tooLong(text string) error {
	return fmt.Errorf("duration %q is too long; write at most %dd", infra.Bounded(text), maxDays)
}

// number is a duration, however long.
var number = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(h|m|s|ms|us|µs|ns))+$`)

// FormatDuration writes a duration the way ParseDuration reads it, without parts that are zero.
func FormatDuration(d time.Duration) string {
	text := ""
	if whole := d / (24 * time.Hour); whole > 0 {
		text, d = fmt.Sprintf("%dd", whole), d%(24*time.Hour)
	}
	if d == 0 && text != "" {
		return text
	}
	part := d.String()
	if strings.HasSuffix(part, "m0s") {
		part = strings.TrimSuffix(part, "0s")
	}
	if strings.HasSuffix(part, "h0m") {
		part = strings.TrimSuffix(part, "0m")
	}
	return text + part
}
