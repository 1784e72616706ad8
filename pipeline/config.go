package pipeline

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// ConfigName is the file beside the views that says what holds for all of them.
const ConfigName = "redcache.yaml"

// Config is what redcache.yaml says.
type Config struct {
	NamePrefix string // stands before the name of each view where it is queried: mv_
	Defaults   catalog.Draft
}

// ParseConfig reads redcache.yaml. It goes on behind what is wrong.
func ParseConfig(path string, content []byte) (Config, Problems) {
	var c Config
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil && !errors.Is(err, io.EOF) {
		return c, Problems{yamlProblem(path, string(content), err)}
	}
	if len(document.Content) == 0 {
		return c, nil
	}
	r := configReader{path: path, text: string(content)}
	r.mapping(document.Content[0], "", map[string]func(*yaml.Node){
		"name_prefix": func(n *yaml.Node) { c.NamePrefix = r.scalar(n) },
		"defaults":    func(n *yaml.Node) { r.defaults(n, &c.Defaults) },
	})
	return c, r.problems.sorted()
}

// configReader reads the nodes of a document, and keeps what is wrong with them.
type configReader struct {
	path, text string
	problems   Problems
}

// mapping has the value of each key read; keys that nobody reads are wrong.
func (r *configReader) mapping(n *yaml.Node, of string, read map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, strings.TrimSpace(of+" has to be a list of names and values"), "Write name: value.")
		return
	}
	var all []string
	for name := range read {
		all = append(all, name)
	}
	given := map[string]int{} // and in which line
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if line := given[key.Value]; line > 0 {
			r.wrong(key, fmt.Sprintf("%s stands in line %d, too", key.Value, line), "Leave one of them.")
			continue
		}
		given[key.Value] = key.Line
		if take := read[key.Value]; take != nil {
			take(n.Content[i+1])
			continue
		}
		fix := "docs/pipelines.md has all names."
		if near := infra.Nearest(key.Value, all); near != "" {
			fix = "Do you mean " + near + "?"
		}
		r.wrong(key, "nothing is called "+key.Value+" here", fix)
	}
}

func (r *configReader) scalar(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.wrong(n, "it has to be a text", "")
		return ""
	}
	return n.Value
}

// defaults are fields of a definition, under the names of tags.
func (r *configReader) defaults(n *yaml.Node, d *catalog.Draft) {
	read := map[string]func(*yaml.Node){}
	for _, f := range catalog.Fields {
		read[f.Name] = func(n *yaml.Node) {
			values := []*yaml.Node{n}
			if n.Kind == yaml.SequenceNode && f.Repeats {
				values = n.Content
			}
			for _, value := range values {
				if err := f.Read(d, r.scalar(value)); err != nil {
					r.wrong(value, f.Name+": "+err.Error(), "")
				}
			}
		}
	}
	r.mapping(n, "defaults", read)
}

func (r *configReader) wrong(n *yaml.Node, what, fix string) {
	at := 0
	if n.Line > 0 {
		at = offsetOf(r.text, n.Line, n.Column)
	}
	r.problems = append(r.problems, problemAt(r.path, r.text, at, what, fix))
}

// yamlProblem puts what the parser says, "yaml: line 3: …", into our form.
func yamlProblem(path, text string, err error) Problem {
	var line int
	what := strings.TrimPrefix(err.Error(), "yaml: ")
	if n, _ := fmt.Sscanf(what, "line %d:", &line); n == 0 {
		return Problem{Path: path, What: what}
	}
	_, what, _ = strings.Cut(what, ": ")
	return problemAt(path, text, min(offsetOf(text, line, 1), len(text)), what, "")
}
