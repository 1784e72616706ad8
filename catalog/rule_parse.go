package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// RuleError says what is wrong with the text of a rule, and where.
type RuleError struct {
	Text    string
	At      int // offset in it
	Problem string
}

// Error says it with the place, in characters.
func (e *RuleError) Error() string {
	return fmt.Sprintf("%q, column %d: %s", infra.Bounded(e.Text), 1+utf8.RuneCountInString(e.Text[:e.At]), e.Problem)
}

// ParseRule reads a rule. The error is a [*RuleError].
func ParseRule(text string) (Rule, error) {
	p := ruleParser{text: text, end: len(strings.TrimRight(text, " "))}
	r := p.rule()
	if p.wrong != nil {
		return Rule{}, p.wrong
	}
	return r, nil
}

// ruleParser reads a text from its beginning to its end. Behind what is wrong there is nothing.
type ruleParser struct {
	text    string
	at, end int
	wrong   *RuleError // the first thing that is
}

var (
	wordHere     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*`)
	numberHere   = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?`)
	valueHere    = regexp.MustCompile(`^(-?[0-9]+(\.[0-9]+)?|[A-Za-z_][A-Za-z0-9_$]*)`)
	operatorHere = regexp.MustCompile(`^(<=|>=|<>|!=|<|>|=)`)
	durationHere = regexp.MustCompile(`^[0-9][0-9a-zµ.]*`)
)

func (p *ruleParser) rule() (r Rule) {
	switch {
	case !utf8.ValidString(p.text):
		p.fail(0, "it is no UTF-8")
	case strings.ContainsFunc(p.text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		p.fail(0, "it has a line break, a tab or another control character")
	}
	at, word := p.word()
	if slices.Contains([]string{"warn", "fail"}, word) {
		r.Warns = word == "warn"
		at, word = p.word()
	}
	r.Kind = RuleKind(word)
	switch r.Kind {
	case RowsRule:
		r.Operator, r.Limit = p.operator("<", "<=", ">", ">=", "=", "<>"), p.whole()
	case ChangeRule:
		r.Operator, r.Limit = p.operator("<", "<="), p.take(numberHere, "a number of percent, like 20%")
		p.expect("%")
	case NotNullRule, UniqueRule:
		r.Columns = p.columns()
	case AcceptedRule:
		p.accepted(&r)
	case FreshnessRule:
		p.freshness(&r)
	case ReferencesRule:
		p.references(&r)
	case SQLRule:
		p.expression(&r)
	default:
		p.unknown(at, word)
	}
	if p.blanks(); p.at < p.end {
		p.fail(p.at, "nothing may follow here")
	}
	return r
}

func (p *ruleParser) unknown(at int, word string) {
	kinds := make([]string, len(forms))
	for i, f := range forms {
		kinds[i] = string(f.kind)
	}
	if near := infra.Nearest(word, append(kinds, "warn", "fail")); near != "" && word != "" {
		p.fail(at, "there is no check "+infra.Bounded(word)+"; do you mean "+near+"?")
	}
	p.fail(at, "a check begins with "+joinSome(kinds, len(kinds))+", or with warn or fail before it")
}

func (p *ruleParser) columns() (names []string) {
	p.expect("(")
	names = append(names, p.name())
	for p.found(",") {
		names = append(names, p.name())
	}
	p.expect(")")
	return names
}

func (p *ruleParser) accepted(r *Rule) {
	p.expect("(")
	r.Columns = []string{p.name()}
	p.expect(",")
	r.Values = append(r.Values, p.value())
	for p.found(",") {
		r.Values = append(r.Values, p.value())
	}
	p.expect(")")
}

func (p *ruleParser) freshness(r *Rule) {
	p.expect("(")
	r.Columns = []string{p.name()}
	p.expect(")")
	r.Operator = p.operator("<", "<=")
	p.blanks()
	at := p.at
	text := p.take(durationHere, "an age, like 30m, 1h or 2d")
	var err error
	if r.Age, err = ParseSpan(text); err != nil {
		p.fail(at, err.Error())
	}
}

func (p *ruleParser) references(r *Rule) {
	p.expect("(")
	r.Columns = []string{p.name()}
	p.expect(",")
	p.blanks()
	at := p.at
	parts := []string{p.name()}
	for p.found(".") {
		parts = append(parts, p.name())
	}
	if len(parts) != 3 {
		p.fail(at, "a column of another view is wanted, as SCHEMA.VIEW.COLUMN")
		return
	}
	r.View, r.ViewColumn = Name{Schema: parts[0], View: parts[1]}, parts[2]
	p.expect(")")
}

// expression takes all up to the parenthesis that ends the text.
func (p *ruleParser) expression(r *Rule) {
	p.expect("(")
	if p.at >= p.end || p.text[p.end-1] != ')' {
		p.fail(p.end, `")" is wanted at the end`)
		return
	}
	from := p.at
	r.Expression = strings.Trim(p.text[from:p.end-1], " ")
	if at, problem := redshift.CheckExpression(p.text[from : p.end-1]); problem != "" {
		p.fail(from+at, problem)
	}
	p.at = p.end
}

// name is one in double quotes as it stands there, and else in small letters, as SQL has it.
func (p *ruleParser) name() string {
	if p.blanks(); p.rest() != "" && p.rest()[0] == '"' {
		at := p.at
		name := p.quoted('"')
		if name == "" {
			p.fail(at, "a name is empty")
		}
		return name
	}
	return sql.Folded(p.take(wordHere, `a name, in double quotes if it has other than letters, digits and "_"`))
}

func (p *ruleParser) value() string {
	if p.blanks(); p.rest() != "" && p.rest()[0] == '\'' {
		return p.quoted('\'')
	}
	at := p.at
	value := p.take(valueHere, "a value: a number, or a text in single quotes")
	switch strings.ToLower(value) {
	case "null":
		p.fail(at, "NULL is always accepted; not_null says that it is not")
	case "true", "false":
		return strings.ToLower(value)
	}
	return value
}

// quoted takes a text between quotes, in which two stand for one.
func (p *ruleParser) quoted(quote byte) string {
	from := p.at
	var text strings.Builder
	for p.at++; p.at < p.end; p.at++ {
		if p.text[p.at] != quote {
			text.WriteByte(p.text[p.at])
			continue
		}
		if p.at++; p.at >= p.end || p.text[p.at] != quote {
			return text.String()
		}
		text.WriteByte(quote)
	}
	p.fail(from, "a quote that is never closed")
	return text.String()
}

func (p *ruleParser) operator(allowed ...string) string {
	p.blanks()
	at, operator := p.at, operatorHere.FindString(p.rest())
	p.at += len(operator)
	if operator == "!=" {
		operator = "<>"
	}
	if !slices.Contains(allowed, operator) {
		p.fail(at, "one of "+strings.Join(allowed, ", ")+" is wanted here")
	}
	return operator
}

// whole is a number that fits into a bigint, written without zeros before it.
func (p *ruleParser) whole() string {
	const most = 18
	p.blanks()
	at := p.at
	number := p.take(numberHere, "a number of rows")
	if number = strings.TrimLeft(number, "0"); number == "" {
		number = "0"
	}
	if strings.Contains(number, ".") || len(number) > most {
		p.fail(at, fmt.Sprintf("a whole number of at most %d digits is wanted here", most))
	}
	return number
}

// word is the next one, in small letters; empty: there is none.
func (p *ruleParser) word() (at int, word string) {
	p.blanks()
	at, word = p.at, wordHere.FindString(p.rest())
	p.at += len(word)
	return at, sql.Folded(word)
}

func (p *ruleParser) take(what *regexp.Regexp, wanted string) string {
	p.blanks()
	text := what.FindString(p.rest())
	if text == "" {
		p.fail(p.at, wanted+" is wanted here")
	}
	p.at += len(text)
	return text
}

func (p *ruleParser) expect(text string) {
	if !p.found(text) {
		p.fail(p.at, fmt.Sprintf("%q is wanted here", text))
	}
}

func (p *ruleParser) found(text string) bool {
	p.blanks()
	if !strings.HasPrefix(p.rest(), text) {
		return false
	}
	p.at += len(text)
	return true
}

func (p *ruleParser) blanks() {
	for p.at < p.end && p.text[p.at] == ' ' {
		p.at++
	}
}

func (p *ruleParser) rest() string { return p.text[min(p.at, p.end):p.end] }

func (p *ruleParser) fail(at int, problem string) {
	if p.wrong == nil {
		p.wrong = &RuleError{p.text, at, problem}
	}
	p.at = p.end
}
