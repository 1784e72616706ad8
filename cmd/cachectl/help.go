package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/cmd/internal/screen"
)

// helpColumns is what help keeps to, whatever the terminal: a page that everybody sees in the same way.
const helpColumns = 80

// fitHelp makes the texts of a tree of commands fit the page. Examples stand as they were written, since they are code.
func fitHelp(root *cobra.Command) {
	const flags = ".FlagUsages "
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), flags, fmt.Sprintf(".FlagUsagesWrapped %d ", helpColumns)))
	var fit func(cmd *cobra.Command)
	fit = func(cmd *cobra.Command) {
		cmd.Long = paragraphs(cmd.Long, helpColumns)
		for _, child := range cmd.Commands() {
			fit(child)
		}
	}
	fit(root)
}

// paragraphs sets each paragraph anew, in lines of at most width.
func paragraphs(text string, width int) string {
	all := strings.Split(text, "\n\n")
	for i, paragraph := range all {
		all[i] = strings.Join(screen.Lines(strings.Join(strings.Fields(paragraph), " "), width), "\n")
	}
	return strings.Join(all, "\n\n")
}
