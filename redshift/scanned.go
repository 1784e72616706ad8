package redshift

import "strings"

// harmlessNodes are the steps of a plan that read nothing themselves, each perhaps followed by more words.
var harmlessNodes = []string{
	"Aggregate", "Append", "GroupAggregate", "Hash", "HashAggregate", "HashSetOp", "Limit", "Merge", "Nested Loop", "Network",
	"Materialize", "Recursive Union", "Result", "SetOp", "Sort", "Subquery Scan", "Unique", "Unnest", "Window",
	"WorkTable Scan",
}

// scanned returns the names of the tables that a plan of Redshift scans; a plan names them without their schema. A plan
// that does anything else than scanning tables on the compute nodes is an [*UntrustedError]: "LD" works on the leader's
// catalogs, "S3" and functions read what lies outside, and what is not known might.
func scanned(plan [][]*string) ([]string, error) {
	var names []string
	for _, row := range plan {
		line := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(deref(row[0])), "->"))
		cost := strings.LastIndex(line, "(cost=")
		if cost < 0 {
			continue // a condition, a key, advice
		}
		node := strings.TrimSpace(line[:cost])
		step, ofNodes := strings.CutPrefix(node, "XN ")
		table, scans := strings.CutPrefix(step, "Seq Scan on ")
		switch {
		case ofNodes && scans:
			names = append(names, firstName(table))
		case !ofNodes || !isHarmless(step):
			return nil, untrusted("its plan has %q", node)
		}
	}
	if names == nil {
		return nil, untrusted("its plan scans no table")
	}
	return names, nil
}

func isHarmless(step string) bool {
	for _, known := range harmlessNodes {
		if step == known || strings.HasPrefix(step, known+" ") {
			return true
		}
	}
	return false
}

// firstName reads a name, quoted where it has to be, which an alias may follow.
func firstName(text string) string {
	if !strings.HasPrefix(text, `"`) {
		name, _, _ := strings.Cut(text, " ")
		return name
	}
	for i := 1; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		if i+1 == len(text) || text[i+1] != '"' {
			return strings.ReplaceAll(text[1:i], `""`, `"`)
		}
		i++ // a doubled quote stands for itself
	}
	return text
}
