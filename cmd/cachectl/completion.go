package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/infra"
)

// completionPatience bounds how long a shell hangs on a key press.
const completionPatience = 1500 * time.Millisecond

func (p *program) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the script that completes commands in a shell",
		Long: `Prints the script for bash, zsh, fish or powershell. With DATABASE_URL set in the shell, names of views and links are
completed, too, as they are at that moment.`,
		Example: `  source <(cachectl completion bash)
  cachectl completion zsh > "${fpath[1]}/_cachectl"
  cachectl completion fish > ~/.config/fish/completions/cachectl.fish`,
		Args:              takes(1, 1),
		ValidArgs:         shells,
		ValidArgsFunction: cobra.FixedCompletions(shells, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.stdout, true)
			case "zsh":
				return root.GenZshCompletion(p.stdout)
			case "fish":
				return root.GenFishCompletion(p.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(p.stdout)
			}
			return usagef("choose "+strings.Join(shells, ", "), "there is no completion for %q", args[0])
		},
	}
}

// complete offers names from the catalog. Where they cannot be had soon, it offers nothing, and says nothing.
func (p *program) complete(ctx context.Context, names func(ctx context.Context, s *connection) error) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	_ = p.connected(ctx, func(s *connection) error { return names(ctx, s) })
}

// offer adds a name to those that a shell offers, if all of it can be seen there: it may be a line, and no more.
func offer(names []string, name string) []string {
	if infra.Printable(name) != name {
		return names
	}
	return append(names, name)
}

// completeViews completes up to so many names of views; a negative number is no limit.
func (p *program) completeViews(most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
		if most < 0 || len(args) < most {
			p.complete(cmd.Context(), func(ctx context.Context, s *connection) error {
				views, err := s.store.Views(ctx)
				for _, v := range views {
					names = offer(names, v.Name.String())
				}
				return err
			})
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeLinks completes one name of a link.
func (p *program) completeLinks(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	if len(args) == 0 || cmd.Flags().Lookup("link") != nil {
		p.complete(cmd.Context(), func(ctx context.Context, s *connection) error {
			links, err := s.store.Links(ctx)
			for _, l := range links {
				names = offer(names, l.Name)
			}
			return err
		})
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeGroups completes the name of a group.
func (p *program) completeGroups(cmd *cobra.Command, _ []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	p.complete(cmd.Context(), func(ctx context.Context, s *connection) error {
		views, err := s.store.Views(ctx)
		for _, v := range views {
			if v.Group != "" && !slices.Contains(names, v.Group) {
				names = offer(names, v.Group)
			}
		}
		return err
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}

// words completes a flag that takes one of a few words.
func words[T ~string](list ...T) cobra.CompletionFunc {
	texts := make([]string, len(list))
	for i, word := range list {
		texts[i] = string(word)
	}
	return cobra.FixedCompletions(texts, cobra.ShellCompDirectiveNoFileComp)
}
