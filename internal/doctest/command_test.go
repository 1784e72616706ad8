package doctest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// command is what cachectl's help says of one command.
type command struct {
	path     string // cachectl link add
	usage    string
	short    string
	help     string // without the flags that every command has
	flags    []string
	children []string
}

// tree asks cachectl for all of its commands, parents first.
func tree(t *testing.T) []command {
	t.Helper()
	var all []command
	var walk func(words []string, short string)
	walk = func(words []string, short string) {
		help := output(t, "cachectl", append(words, "--help")...)
		c := command{path: strings.Join(append([]string{"cachectl"}, words...), " "), short: short}
		for _, match := range flagLine.FindAllStringSubmatch(help, -1) {
			c.flags = append(c.flags, match[1])
		}
		_, usage, _ := strings.Cut(help, "\nUsage:\n")
		c.usage, _, _ = strings.Cut(strings.TrimSpace(usage), "\n")
		c.usage = strings.TrimSuffix(c.usage, " [flags]")
		c.help, _, _ = strings.Cut(help, "\nGlobal Flags:\n")
		c.help = strings.TrimSpace(c.help)
		_, list, _ := strings.Cut(help, "\nAvailable Commands:\n")
		list, _, _ = strings.Cut(list, "\n\n")
		at := len(all)
		all = append(all, c)
		for line := range strings.Lines(list) {
			name, short, _ := strings.Cut(strings.TrimSpace(line), " ")
			if name != "" && name != "help" {
				all[at].children = append(all[at].children, name)
				walk(append(slices.Clone(words), name), strings.TrimSpace(short))
			}
		}
	}
	walk(nil, "")
	if len(all) < 15 {
		t.Fatalf("found %d commands only", len(all))
	}
	return all
}

var (
	flagLine = regexp.MustCompile(`(?m)^ +(?:-[a-z], )?(--[a-z-]+)`)
	flagWord = regexp.MustCompile(`(?:^|\s)(--[a-z][a-z-]*)`)
	quoted   = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	call     = regexp.MustCompile(`(?m)^(?:bin/)?cachectl .*$`)
)

// Every command and flag that a document names exists, and the flag belongs to the command that it stands with.
func TestCommands_ExistAsDocumented(t *testing.T) {
	t.Parallel()
	commands := tree(t)
	var every []string
	for _, c := range commands {
		every = append(every, c.flags...)
	}
	calls := 0
	for _, d := range documents(t) {
		for _, code := range d.code("sh") {
			if strings.HasPrefix(code, "--") && !slices.Contains(every, strings.Fields(code)[0]) {
				t.Errorf("%s: no command has the flag %s", d.path, code)
			}
			code = strings.ReplaceAll(quoted.ReplaceAllString(code, "Q"), "\\\n", " ")
			for _, line := range call.FindAllString(code, -1) {
				if problem := checkCall(commands, line); problem != "" {
					t.Errorf("%s: %s: %s", d.path, line, problem)
				}
				calls++
			}
		}
	}
	if calls < 20 {
		t.Errorf("found %d calls of cachectl only", calls)
	}
}

// checkCall says what is wrong with a command line, as far as names go.
func checkCall(commands []command, line string) string {
	at := commands[0]
	for _, word := range strings.Fields(line)[1:] {
		i := slices.IndexFunc(commands, func(c command) bool { return c.path == at.path+" "+word })
		if i < 0 {
			if len(at.children) > 0 && !strings.HasPrefix(word, "-") {
				return at.path + " has no command " + word
			}
			break
		}
		at = commands[i]
	}
	for _, match := range flagWord.FindAllStringSubmatch(line, -1) {
		if !slices.Contains(at.flags, match[1]) && !slices.Contains(commands[0].flags, match[1]) {
			return at.path + " has no flag " + match[1]
		}
	}
	return ""
}

// Every variable with the product's prefix that a document names is one that a program reads.
func TestEnvironment_ExistsAsDocumented(t *testing.T) {
	t.Parallel()
	usage := output(t, "worker", "--help")
	template, err := os.ReadFile(filepath.Join(root, "template.yaml")) // whose variables are held against the functions
	if err != nil {
		t.Fatal(err)
	}
	ofTests := variablesOfTests(t)
	variable := regexp.MustCompile(`\bREDCACHE_[A-Z_]+\b`)
	found := 0
	for _, d := range documents(t) {
		for _, name := range variable.FindAllString(d.text, -1) {
			found++
			if !strings.Contains(usage, name+" ") && !strings.Contains(string(template), name+":") && !slices.Contains(ofTests, name) {
				t.Errorf("%s: nothing reads %s", d.path, name)
			}
		}
	}
	if found == 0 {
		t.Error("no variable is documented")
	}
}

// variablesOfTests are those that tests and their tools ask for.
func variablesOfTests(t *testing.T) []string {
	t.Helper()
	asked := regexp.MustCompile(`Getenv\("(REDCACHE_TEST_[A-Z_]+)"\)`)
	var names []string
	for _, pattern := range []string{"integration/*_test.go", "internal/*/*.go"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range asked.FindAllStringSubmatch(string(text), -1) {
				names = append(names, match[1])
			}
		}
	}
	return names
}
