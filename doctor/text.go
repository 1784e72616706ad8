package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/redcache/redcache/catalog"
)

// count is a number with the right word for it.
func count[T int | int64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// bytes is a size for human eyes.
func bytes(n int64) string {
	value, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	unit := 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 || value >= 100 {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// brief is a duration for human eyes.
func brief(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return catalog.FormatDuration(d.Round(time.Second))
	case d < 24*time.Hour:
		return catalog.FormatDuration(d.Round(time.Minute))
	}
	return catalog.FormatDuration(d.Round(time.Hour))
}

// some joins the first few names, and says how many are left.
func some(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
