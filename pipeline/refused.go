package pipeline

import (
	"errors"
	"strings"

	"github.com/redcache/redcache/refresh"
)

// Refused are the problems in files that servers have found, with those whose files were not looked at for that; nothing where an
// error is another one.
func (p *Project) Refused(err error) (problems Problems, left []string) {
	refused, is := errors.AsType[*refresh.RefusedError](err)
	if !is {
		return nil, nil
	}
	for _, q := range refused.Queries {
		for _, v := range p.Views {
			if v.Name == q.Name {
				problems = append(problems, v.refused(q))
			}
		}
	}
	for _, name := range refused.Left {
		left = append(left, name.String())
	}
	return problems.sorted(), left
}

// refused is what a server has against the query of a file: at its place, or else in the line in which the query begins.
func (v *View) refused(q refresh.RefusedQuery) Problem {
	if q.Condition {
		return v.problem(v.readyAt+max(q.At, 0), "@"+readyTag+": "+q.What, q.Fix)
	}
	if at, certain := v.placeOf(q); certain {
		return v.problem(at, q.What, q.Fix)
	}
	problem := v.problem(v.queryAt, q.What, q.Fix)
	problem.Column = 0
	return problem
}

// placeOf is the offset in a file of a place in the query that was asked, which may have other blanks before it than the file's.
func (v *View) placeOf(q refresh.RefusedQuery) (at int, certain bool) {
	query, asked := strings.TrimLeft(strings.TrimPrefix(v.Query(), "\ufeff"), blanks), strings.TrimLeft(q.Query, blanks)
	at = q.At - (len(q.Query) - len(asked))
	if at < 0 || !strings.HasPrefix(query, strings.TrimRight(asked[:at], blanks)) {
		return 0, false
	}
	return len(v.text) - len(query) + at, true
}
