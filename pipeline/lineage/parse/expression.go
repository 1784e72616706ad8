package parse

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// value is what an expression comes from.
func (r reading) value(node *pg.Node, s *scope) trace {
	if node == nil || node.GetNode() == nil {
		return trace{}
	}
	if parts, is := partsOf(node); is {
		return r.name(parts, s)
	}
	if sub := node.GetSubLink(); sub != nil {
		return r.sub(sub, s)
	}
	if call := node.GetFuncCall(); call != nil {
		return r.call(call, s)
	}
	return r.fields(node.ProtoReflect(), s).Changed()
}

// fields is what all parts of an expression come from.
func (r reading) fields(m protoreflect.Message, s *scope) (all trace) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil {
			return true
		}
		visit := func(m protoreflect.Message) {
			if node, is := m.Interface().(*pg.Node); is {
				all = all.And(r.value(node, s))
				return
			}
			all = all.And(r.message(m.Interface(), s))
		}
		if !f.IsList() {
			visit(v.Message())
			return true
		}
		for i := range v.List().Len() {
			visit(v.List().Get(i).Message())
		}
		return true
	})
	return all
}

// message reads a part of an expression that is no node of its own.
func (r reading) message(m proto.Message, s *scope) trace {
	switch part := m.(type) {
	case *pg.TypeName: // its modifiers are numbers
		return trace{}
	case *pg.SubLink:
		return r.sub(part, s)
	case *pg.FuncCall:
		return r.call(part, s)
	case *pg.ColumnRef:
		return r.value(&pg.Node{Node: &pg.Node_ColumnRef{ColumnRef: part}}, s)
	}
	return r.fields(m.ProtoReflect(), s)
}

func (r reading) children(nodes []*pg.Node, s *scope) (all trace) {
	for _, node := range nodes {
		all = all.And(r.value(node, s))
	}
	return all
}

// sub is what a query within an expression gives it: also what decides which of its rows count.
func (r reading) sub(sub *pg.SubLink, s *scope) trace {
	t := r.query(sub.Subselect.GetSelectStmt(), s)
	if sub.SubLinkType == pg.SubLinkType_EXISTS_SUBLINK {
		return t.filters.Changed() // whatever it selects
	}
	return t.all().And(t.filters, r.value(sub.Testexpr, s)).Changed()
}

// dated are the functions whose first argument is a unit of time, which looks like a column.
var dated = map[string]bool{
	"dateadd": true, "date_add": true, "datediff": true, "date_diff": true, "datepart": true, "date_part": true, "pgdate_part": true,
}

// units of time, as Redshift takes them without quotes.
var units = words(`
	millennium millennia mil mils century centuries c cent cents decade decades dec decs year years y yr yrs quarter quarters qtr qtrs
	month months mon mons week weeks w dayofweek dow dw weekday dayofyear doy dy yearday day days d hour hours h hr hrs minute minutes m
	min mins second seconds s sec secs millisecond milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon
	microsecond microseconds microsec microsecs microsecond usecond useconds us usec usecs epoch timezone timezone_hour timezone_minute`)

func (r reading) call(call *pg.FuncCall, s *scope) trace {
	args := call.Args
	name := ""
	if len(call.Funcname) > 0 {
		name = r.fold(call.Funcname[len(call.Funcname)-1].GetString_().GetSval())
	}
	if len(args) > 1 && r.remote && dated[name] {
		if parts, is := partsOf(args[0]); is && len(parts) == 1 && units[r.fold(parts[0])] {
			args = args[1:]
		}
	}
	all := r.children(args, s).And(r.children(call.AggOrder, s), r.value(call.AggFilter, s))
	if call.Over != nil {
		all = all.And(r.fields(call.Over.ProtoReflect(), s))
	}
	return all.Changed()
}

// partsOf are the parts of a name, without a star.
func partsOf(node *pg.Node) (parts []string, is bool) {
	ref := node.GetColumnRef()
	if ref == nil {
		return nil, false
	}
	for _, field := range ref.Fields {
		if field.GetAStar() != nil {
			return nil, false
		}
		parts = append(parts, field.GetString_().GetSval())
	}
	return parts, true
}

// star is the relation of which a star takes all columns; empty: of all.
func (r reading) star(node *pg.Node) (prefix []string, is bool) {
	fields := node.GetColumnRef().GetFields()
	if len(fields) == 0 || fields[len(fields)-1].GetAStar() == nil {
		return nil, false
	}
	for _, field := range fields[:len(fields)-1] {
		prefix = append(prefix, r.fold(field.GetString_().GetSval()))
	}
	return prefix, true
}

// expand adds what a star stands for.
func (t *table) expand(prefix []string, from []item, s *scope) {
	if len(prefix) == 0 {
		for _, i := range from {
			t.take(i)
		}
		return
	}
	schema := ""
	if len(prefix) > 1 {
		schema = prefix[len(prefix)-2]
	}
	rel := s.called(schema, prefix[len(prefix)-1])
	if rel == nil {
		t.open = fmt.Sprintf("nobody knows what %s.* is", prefix[len(prefix)-1])
		return
	}
	t.take(itemOf(rel))
}

// take adds all columns of an item, or leaves a gap for those of a relation whose columns nobody knows; but not two.
func (t *table) take(i item) {
	switch {
	case i.open == "":
	case t.open == "" && len(i.relations) == 1 && i.relations[0].base != nil && i.relations[0].open == "":
		t.gap = &gap{len(t.columns), *i.relations[0].base}
		t.open = i.open
	default:
		t.gap = nil
		if t.open == "" {
			t.open = i.open
		}
	}
	t.columns = append(t.columns, i.star...)
}

// nameOf is the name of a column, where the query gives it one or where it is plain.
func (r reading) nameOf(target *pg.ResTarget) string {
	if target.Name != "" {
		return r.fold(target.Name)
	}
	return r.fold(plainName(target.Val))
}

func plainName(node *pg.Node) string {
	switch {
	case node.GetColumnRef() != nil:
		fields := node.GetColumnRef().Fields
		return fields[len(fields)-1].GetString_().GetSval()
	case node.GetTypeCast() != nil:
		return plainName(node.GetTypeCast().Arg)
	case node.GetFuncCall() != nil:
		names := node.GetFuncCall().Funcname
		return names[len(names)-1].GetString_().GetSval()
	case node.GetCoalesceExpr() != nil:
		return "coalesce"
	}
	return ""
}

// valuesName is what PostgreSQL calls the columns of VALUES.
func valuesName(i int) string { return fmt.Sprintf("column%d", i+1) }

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(list) {
		set[word] = true
	}
	return set
}
