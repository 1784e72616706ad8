package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/cmd/internal/screen"
)

// helpColumns is what help keeps to, whatever the terminal: a page that everybody sees in the same way.
const helpColumns = 80

// helpCommand is cobra's own, but that a command which does not exist is wrong usage.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		Long:  "Explains a command, as its flag --help does.",
		Example: `  cachectl help add-view
  cachectl help link add`,
		ValidArgsFunction: completeCommands,
		RunE: func(cmd *cobra.Command, args []string) error {
			at := cmd.Root()
			for _, word := range args {
				i := slices.IndexFunc(at.Commands(), func(c *cobra.Command) bool { return c.Name() == word })
				if i < 0 {
					return unknownCommand(at, word, "`"+at.CommandPath()+" --help` lists the commands")
				}
				at = at.Commands()[i]
			}
			at.InitDefaultHelpFlag()
			return at.Help()
		},
	}
}

// completeCommands completes the words of a command's name.
func completeCommands(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	at, _, err := cmd.Root().Find(args)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, child := range at.Commands() {
		if child.IsAvailableCommand() {
			names = append(names, cobra.CompletionWithDesc(child.Name(), child.Short))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

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
