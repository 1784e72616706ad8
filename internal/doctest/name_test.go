package doctest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	target  = regexp.MustCompile(`\bmake ([a-z][a-z-]*)`)
	source  = regexp.MustCompile(`^[a-z]+(?:/[A-Za-z0-9_*.-]+)+$`)
)

// Every link inside the repository leads somewhere, down to the heading.
func TestLinks_LeadSomewhere(t *testing.T) {
	t.Parallel()
	links := 0
	for _, d := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(d.prose, -1) {
			path, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			links++
			to := d.path
			if path != "" {
				to = filepath.Join(filepath.Dir(d.path), path)
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s: %s leads nowhere: %v", d.path, match[1], err)
			} else if anchor != "" && !slices.Contains(anchors(read(t, to)), anchor) {
				t.Errorf("%s: %s has no heading #%s", d.path, to, anchor)
			}
		}
	}
	if links < 10 {
		t.Errorf("found %d links only", links)
	}
}

// anchors are what a page's headings are called in links.
func anchors(d document) []string {
	var all []string
	for _, match := range heading.FindAllStringSubmatch(d.prose, -1) {
		var b strings.Builder
		for _, r := range strings.ToLower(match[1]) {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				b.WriteRune(r)
			case r == ' ':
				b.WriteByte('-')
			}
		}
		all = append(all, b.String())
	}
	return all
}

func TestMake_HasTheTargets(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, d := range documents(t) {
		for _, code := range d.code() {
			for _, match := range target.FindAllStringSubmatch(code, -1) {
				found++
				if !strings.Contains(string(makefile), "\n"+match[1]+":") {
					t.Errorf("%s: make %s does not exist", d.path, match[1])
				}
			}
		}
	}
	if found < 3 {
		t.Errorf("found %d targets only", found)
	}
}

// Every path of the repository that stands as code exists; * stands for several.
func TestPaths_Exist(t *testing.T) {
	t.Parallel()
	found := 0
	for _, d := range documents(t) {
		for _, code := range d.spans() {
			ext := filepath.Ext(code)
			if !source.MatchString(code) || !slices.Contains([]string{".go", ".sql", ".md"}, ext) {
				continue
			}
			found++
			if matches, err := filepath.Glob(filepath.Join(root, code)); err != nil || len(matches) == 0 {
				t.Errorf("%s: there is no %s", d.path, code)
			}
		}
	}
	if found < 5 {
		t.Errorf("found %d paths only", found)
	}
}

// Every state that the catalog allows a run to have is explained.
func TestRunStates_AreAllExplained(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/run-states.md").text
	paths, err := filepath.Glob(filepath.Join(root, "sql/migrations/*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	var check []string
	for _, path := range paths { // the last one that says it counts
		migration, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if match := regexp.MustCompile(`state IN \(('running'[^)]*)\)`).FindStringSubmatch(string(migration)); match != nil {
			check = match
		}
	}
	if check == nil {
		t.Fatal("the catalog does not say which states there are")
	}
	for state := range strings.SplitSeq(check[1], ", ") {
		state = strings.Trim(state, "'")
		if !strings.Contains(page, "\n| `"+state+"` |") || !strings.Contains(page, "--> "+state+":") {
			t.Errorf("the page does not explain %s, or its chart does not lead there", state)
		}
	}
}
