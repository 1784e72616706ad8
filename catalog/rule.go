package catalog

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// RuleKind is what a rule is about.
type RuleKind string

// The kinds of rules, by the words that begin them.
const (
	RowsRule       RuleKind = "rows"        // how many there are
	ChangeRule     RuleKind = "rows_change" // by how much that differs from what was there
	NotNullRule    RuleKind = "not_null"    // columns that have a value in each row
	UniqueRule     RuleKind = "unique"      // columns that identify a row
	AcceptedRule   RuleKind = "accepted"    // a column that has one of some values
	FreshnessRule  RuleKind = "freshness"   // how old the newest value of a column may be
	ReferencesRule RuleKind = "references"  // a column whose values another view has
	SQLRule        RuleKind = "sql"         // an expression that is true of each row
)

// forms are the rules as people write them, in the order in which they are told of them.
var forms = []struct {
	kind RuleKind
	form string
}{
	{RowsRule, "rows > 0"},
	{ChangeRule, "rows_change < 20%"},
	{NotNullRule, "not_null(column)"},
	{UniqueRule, "unique(column, …)"},
	{AcceptedRule, "accepted(column, 'value', …)"},
	{FreshnessRule, "freshness(column) < 1h"},
	{ReferencesRule, "references(column, schema.view.column)"},
	{SQLRule, "sql(expression)"},
}

// RuleForms has one of each.
func RuleForms() string {
	all := make([]string, len(forms))
	for i, f := range forms {
		all[i] = f.form
	}
	return strings.Join(all, ", ")
}

// Rule is what has to be true of the rows of a view before readers see them. [ParseRule] reads it, [Rule.String] writes it.
type Rule struct {
	Warns      bool // what breaks it is told, and readers see the rows all the same
	Kind       RuleKind
	Columns    []string      // of the view
	Operator   string        // between what is measured and its limit, as SQL has it
	Limit      string        // a number: of rows, or of percent
	Age        time.Duration // of [FreshnessRule]
	Values     []string      // of [AcceptedRule]
	View       Name          // of [ReferencesRule]
	ViewColumn string
	Expression string // of [SQLRule]
}

// String is the rule as [ParseRule] reads it, always written alike.
func (r Rule) String() string {
	if r.Warns {
		return "warn " + r.Text()
	}
	return r.Text()
}

// Text is the rule without what follows from it.
func (r Rule) Text() string {
	switch r.Kind {
	case RowsRule:
		return fmt.Sprintf("rows %s %s", r.Operator, r.Limit)
	case ChangeRule:
		return fmt.Sprintf("rows_change %s %s%%", r.Operator, r.Limit)
	case FreshnessRule:
		return fmt.Sprintf("freshness(%s) %s %s", writeName(r.Columns[0]), r.Operator, FormatDuration(r.Age))
	case ReferencesRule:
		return fmt.Sprintf("references(%s, %s.%s.%s)", writeName(r.Columns[0]),
			writeName(r.View.Schema), writeName(r.View.View), writeName(r.ViewColumn))
	case SQLRule:
		return "sql(" + r.Expression + ")"
	}
	parts := make([]string, 0, len(r.Columns)+len(r.Values))
	for _, name := range r.Columns {
		parts = append(parts, writeName(name))
	}
	for _, value := range r.Values {
		parts = append(parts, writeValue(value))
	}
	return fmt.Sprintf("%s(%s)", r.Kind, strings.Join(parts, ", "))
}

var (
	plainName  = regexp.MustCompile(`^[a-z_][a-z0-9_$]*$`)
	plainValue = regexp.MustCompile(`^(-?[0-9]+(\.[0-9]+)?|true|false)$`)
)

func writeName(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func writeValue(value string) string {
	if plainValue.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}

// Rules are those of the checks. A definition that is used has none that cannot be read.
func (d Definition) Rules() (rules []Rule, err error) {
	for _, text := range d.Checks {
		r, err := ParseRule(text)
		if err != nil {
			return nil, invalid("write one of "+RuleForms()+", with warn before it where readers shall see the rows all the same",
				"--check %s", err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// Referred are the views whose rows the checks look at.
func (d Definition) Referred() (names []Name) {
	for _, text := range d.Checks {
		if r, err := ParseRule(text); err == nil && r.Kind == ReferencesRule {
			names = append(names, r.View)
		}
	}
	return names
}

// sameRules are checks as [Rule.String] writes them. One that cannot be read stays as it is, for [Definition.Check] to refuse.
func sameRules(checks []string) []string {
	var all []string
	for _, text := range checks {
		if r, err := ParseRule(text); err == nil {
			text = r.String()
		}
		all = append(all, text)
	}
	return all
}
