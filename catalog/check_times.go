package catalog

import (
	"fmt"
	"time"
)

func (d Definition) checkTimes() error {
	for name, span := range map[string]time.Duration{
		"every": d.RefreshEvery, "max-age": d.MaxAge, "safety-lag": d.SafetyLag,
		"reconcile-every": d.ReconcileEvery, "timeout": d.Timeout,
	} {
		if span < 0 {
			return invalid("choose a positive duration, like 5m", "--%s is negative", name)
		}
		if span > maxDays*24*time.Hour {
			return invalid(fmt.Sprintf("write at most %dd", maxDays), "--%s is too long", name)
		}
	}
	return d.checkTimeout()
}

func (d Definition) checkTimeout() error {
	if problem, fix := CheckTimeout(d.Timeout); problem != "" {
		return invalid(fix, "--timeout is %s", problem)
	}
	return nil
}

// The limits of a timeout. The servers count milliseconds in 31 bits, which is 24 days.
const (
	minTimeout = time.Second
	maxTimeout = 20 * 24 * time.Hour
)

// CheckTimeout says what is wrong with a timeout, and what to do; nothing where it is one.
func CheckTimeout(timeout time.Duration) (problem, fix string) {
	switch {
	case timeout < minTimeout:
		return "too short", "choose at least " + FormatDuration(minTimeout)
	case timeout > maxTimeout:
		return "too long", "choose at most " + FormatDuration(maxTimeout)
	}
	return "", ""
}

func (d Definition) checkPromise() error {
	if d.MaxAge > 0 && d.RefreshEvery > d.MaxAge {
		return invalid("refresh more often, or promise less", "refreshing every %s cannot keep a max-age of %s",
			FormatDuration(d.RefreshEvery), FormatDuration(d.MaxAge))
	}
	return nil
}
