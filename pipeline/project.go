package pipeline

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
)

// Project is a directory of views.
type Project struct {
	Config Config
	Views  []*View // by path
}

// View is a file of a project, with its place in the graph.
type View struct {
	*File
	Name   catalog.Name // by which it is queried
	Inputs []*View      // that it reads, each once, in the order of its query
	Reads  []Read       // all places where it names a relation
	Runs   From         // which server runs its query
}

// Load reads all *.sql files below a directory, and redcache.yaml in it. What is wrong in one file keeps nothing from being
// found in the others.
func Load(dir fs.FS) (*Project, Problems) {
	p := &Project{}
	var problems Problems
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() || path.Ext(name) != ".sql" && name != ConfigName:
			return nil
		}
		info, err := fs.Stat(dir, name)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() { // a pipe would be waited for
			problems = append(problems, Problem{Path: name, What: "it is no regular file", Fix: "Take it out of the directory."})
			return nil
		}
		content, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		problems = append(problems, p.add(name, content)...)
		return nil
	})
	if err != nil {
		return p, Problems{{Path: ".", What: err.Error()}}
	}
	if len(p.Views) == 0 {
		return p, append(problems, Problem{Path: ".", What: "it has no *.sql files", Fix: "Name the directory that has the views."})
	}
	return p, append(problems, p.complete()...).sorted()
}

// add takes a file in.
func (p *Project) add(name string, content []byte) (problems Problems) {
	if name == ConfigName {
		p.Config, problems = ParseConfig(name, content)
		return problems
	}
	f, problems := Parse(name, content)
	p.Views = append(p.Views, &View{File: f})
	return problems
}

// complete makes a graph of the files.
func (p *Project) complete() Problems {
	slices.SortFunc(p.Views, func(a, b *View) int { return strings.Compare(a.Path, b.Path) })
	return append(p.name(), p.link()...)
}

// name gives the views the names by which they are queried, and finds those that share one.
func (p *Project) name() (problems Problems) {
	first := map[catalog.Name]*View{}
	for _, v := range p.Views {
		if v.File.Name.View == "" || v.File.Name.Schema == "" {
			continue // which has been said
		}
		v.Name = catalog.Name{Schema: v.File.Name.Schema, View: p.Config.NamePrefix + v.File.Name.View}
		if other := first[v.Name]; other != nil {
			problems = append(problems, v.problem(0, fmt.Sprintf("view %s is in %s already", v.Name, other.Path),
				"Give one of them another name."))
			continue
		}
		first[v.Name] = v
	}
	return problems
}
