package parse

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// query is what a SELECT returns, of any form.
func (r reading) query(q *pg.SelectStmt, outer *scope) table {
	s := &scope{outer: outer, with: map[string]*table{}}
	if q.WithClause != nil {
		for _, node := range q.WithClause.Ctes {
			r.with(node.GetCommonTableExpr(), q.WithClause.Recursive, s)
		}
	}
	var t table
	switch {
	case q.Op != pg.SetOperation_SETOP_NONE:
		t = r.combined(q, s)
	case len(q.ValuesLists) > 0:
		t = r.values(q, s)
	default:
		t = r.simple(q, s)
	}
	return t
}

// with reads a query behind WITH. One that reads itself is read until nothing new comes of it.
func (r reading) with(cte *pg.CommonTableExpr, recursive bool, s *scope) {
	q, name := cte.Ctequery.GetSelectStmt(), r.fold(cte.Ctename)
	if q == nil {
		s.with[name] = &table{open: "WITH " + name + " is no SELECT"}
		return
	}
	renamed := func(t table) *table {
		for i, node := range cte.Aliascolnames {
			if i < len(t.columns) {
				t.columns[i].name, t.columns[i].named = r.fold(node.GetString_().GetSval()), true
			}
		}
		return &t
	}
	if !recursive || q.Op == pg.SetOperation_SETOP_NONE {
		s.with[name] = renamed(r.query(q, s))
		return
	}
	t := renamed(r.query(q.Larg, s))
	for range len(t.columns) + 1 { // each time a column takes on what another has, at least
		s.with[name] = t
		t = renamed(r.query(q, s))
	}
	s.with[name] = t
}

// combined is what UNION, INTERSECT or EXCEPT returns.
func (r reading) combined(q *pg.SelectStmt, s *scope) table {
	left, right := r.query(q.Larg, s), r.query(q.Rarg, s)
	t := table{filters: left.filters.And(right.filters), open: left.open}
	if t.open == "" {
		t.open = right.open
	}
	if t.open == "" && len(left.columns) != len(right.columns) {
		t.open = "its parts have different numbers of columns"
	}
	if t.open != "" {
		return t
	}
	for i, c := range left.columns {
		if q.Op == pg.SetOperation_SETOP_UNION {
			c.trace = c.trace.And(right.columns[i].trace)
		}
		t.columns = append(t.columns, c)
	}
	if q.Op != pg.SetOperation_SETOP_UNION || !q.All { // rows are compared
		t.filters = t.filters.And(left.all(), right.all())
	}
	return r.limited(q, s, t)
}

func (r reading) values(q *pg.SelectStmt, s *scope) (t table) {
	for _, list := range q.ValuesLists {
		for i, node := range list.GetList().GetItems() {
			if i == len(t.columns) {
				t.columns = append(t.columns, column{name: valuesName(i)})
			}
			t.columns[i].trace = t.columns[i].And(r.value(node, s))
		}
	}
	return t
}

// simple is what a SELECT of the usual form returns.
func (r reading) simple(q *pg.SelectStmt, s *scope) table {
	t := table{}
	var stars []item
	for _, node := range q.FromClause {
		from := r.from(node, s, &t.filters)
		s.add(from)
		stars = append(stars, from)
	}
	for _, node := range q.TargetList {
		target := node.GetResTarget()
		if prefix, is := r.star(target.Val); is {
			t.expand(prefix, stars, s)
			continue
		}
		c := column{name: r.nameOf(target), named: target.Name != "" || target.Val.GetColumnRef() != nil}
		c.trace = r.value(target.Val, s)
		if name := target.Val.GetFuncCall().GetOver().GetName(); name != "" {
			c.trace = c.And(r.children(q.WindowClause, s).Changed())
		}
		t.columns = append(t.columns, c)
		if r.remote && target.Name != "" {
			s.earlier = append(s.earlier, c)
		}
	}
	named := *s
	named.earlier = t.columns // which GROUP BY and ORDER BY may name, and on Redshift WHERE as well
	for _, node := range append([]*pg.Node{q.WhereClause, q.HavingClause}, q.DistinctClause...) {
		t.filters = t.filters.And(r.value(node, &named))
	}
	for _, node := range q.GroupClause {
		t.filters = t.filters.And(r.position(node, &named, &t))
	}
	if len(q.DistinctClause) == 1 && q.DistinctClause[0].GetNode() == nil { // of all columns
		t.filters = t.filters.And(t.all())
	}
	return r.limited(q, &named, t)
}

// limited adds what decides which rows are left over.
func (r reading) limited(q *pg.SelectStmt, s *scope, t table) table {
	if q.LimitCount == nil && q.LimitOffset == nil && len(q.DistinctClause) == 0 {
		return t
	}
	for _, node := range q.SortClause {
		t.filters = t.filters.And(r.position(node.GetSortBy().GetNode(), s, &t))
	}
	t.filters = t.filters.And(r.value(q.LimitCount, s), r.value(q.LimitOffset, s))
	return t
}

// position is what an expression comes from that may be the number of a column, or its name.
func (r reading) position(node *pg.Node, s *scope, t *table) trace {
	if n := node.GetAConst().GetIval(); n != nil {
		if i := int(n.Ival) - 1; i >= 0 && i < len(t.columns) {
			return t.columns[i].trace
		}
	}
	if parts, is := partsOf(node); is && len(parts) == 1 {
		for _, c := range t.columns {
			if c.named && c.name == r.fold(parts[0]) {
				if other, both := s.bare(parts[0]); both {
					return c.trace.And(other)
				}
				return c.trace
			}
		}
	}
	return r.value(node, s)
}
