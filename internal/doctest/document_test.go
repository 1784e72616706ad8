package doctest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is one page of Markdown.
type document struct {
	path   string // from the root
	text   string
	prose  string // the text without its blocks
	blocks []block
}

// block is a fenced piece of code.
type block struct {
	line     int
	language string
	run      string // where to run it; empty when it is not marked
	text     string
}

var runMark = regexp.MustCompile(`^<!-- run: ([a-z-]+) -->$`)

// parse takes a page apart.
func parse(path, text string) document {
	d := document{path: path, text: text}
	var prose strings.Builder
	var open *block
	previous := ""
	for i, line := range strings.Split(text, "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			open = &block{line: i + 1, language: fence}
			if mark := runMark.FindStringSubmatch(previous); mark != nil {
				open.run = mark[1]
			}
		case isFence:
			d.blocks = append(d.blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		default:
			prose.WriteString(line + "\n")
		}
		previous = line
	}
	d.prose = prose.String()
	return d
}

// documents reads all pages.
func documents(t *testing.T) []document {
	t.Helper()
	paths := []string{"README.md", "CHANGELOG.md"}
	err := fs.WalkDir(os.DirFS(root), "docs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".md") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]document, len(paths))
	for i, path := range paths {
		all[i] = read(t, path)
	}
	return all
}

func read(t *testing.T, path string) document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return parse(path, string(text))
}

// spans are the pieces of code inside prose.
func (d document) spans() []string {
	var spans []string
	for _, match := range span.FindAllStringSubmatch(d.prose, -1) {
		spans = append(spans, strings.ReplaceAll(match[1], `\|`, "|"))
	}
	return spans
}

var span = regexp.MustCompile("`([^`\n]+)`")

// code is all that is written as code, in prose and in blocks of these languages; none means any.
func (d document) code(languages ...string) []string {
	code := d.spans()
	for _, b := range d.blocks {
		if len(languages) == 0 || slices.Contains(languages, b.language) {
			code = append(code, b.text)
		}
	}
	return code
}
