package main

import (
	"fmt"
	"strings"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/pipeline"
)

// markdown is a plan for a pull request. Whatever names and queries say, it shows as it is: all of it stands in code.
func markdown(records []plannedRecord) string {
	var b, below strings.Builder
	changes, breaks := 0, 0
	for _, r := range records {
		if r.Applied == pipeline.ByNothing {
			continue
		}
		changes++
		if len(r.Breaks) > 0 {
			breaks++
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(r.View), r.Change, r.Applied, codes(r.Breaks), codes(r.Adds))
		if details := r.details(); len(details) > 0 || r.Diff != nil {
			fmt.Fprintf(&below, "\n#### %s\n", code(r.View))
			below.WriteString(fenced("text", details))
			if r.Diff != nil {
				below.WriteString(fenced("diff", strings.Split(strings.TrimSuffix(*r.Diff, "\n"), "\n")))
			}
		}
	}
	if changes == 0 {
		return "Nothing would change.\n"
	}
	head := fmt.Sprintf("%s, %d of them breaking for readers.\n\n| view | change | applied by | breaks | adds |\n|---|---|---|---|---|\n",
		count(changes, "change", "changes"), breaks)
	return head + b.String() + below.String()
}

// fenced is a block of code, whose fence is longer than any in it.
func fenced(language string, content []string) string {
	if len(content) == 0 {
		return ""
	}
	var b strings.Builder
	for _, line := range content {
		b.WriteString(infra.Printable(line) + "\n")
	}
	fence := strings.Repeat("`", max(3, longestRun(b.String(), '`')+1))
	return fmt.Sprintf("\n%s%s\n%s%s\n", fence, language, b.String(), fence)
}

func codes(texts []string) string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = code(text)
	}
	return strings.Join(all, "<br>")
}

// code is a text as it is, within a line or a cell. What would end it, or the cell, is written by its number.
func code(text string) string {
	text = infra.Printable(text)
	if !strings.ContainsAny(text, "`|\\") {
		return "`" + text + "`"
	}
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 && strings.ContainsRune("`|\\<>&*_[]()!#~$@:{}", r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return "<code>" + b.String() + "</code>"
}

// longestRun is how often a sign stands in a row at most.
func longestRun(text string, sign rune) (longest int) {
	run := 0
	for _, r := range text {
		if run++; r != sign {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}
