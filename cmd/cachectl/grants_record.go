package main

import "github.com/redcache/redcache/grants"

// auditRecord is who reads a view, and who of them may.
type auditRecord struct {
	View     string         `json:"view"`
	Link     string         `json:"link"`
	Sources  []sourceRecord `json:"sources"`
	Unproven *string        `json:"unproven"`
	Readers  []readerRecord `json:"readers"`
}

type sourceRecord struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`
	Unproven *string `json:"unproven"`
}

type readerRecord struct {
	Role     string         `json:"role"`
	Identity *string        `json:"identity"`
	Verdict  grants.Verdict `json:"verdict"`
	Excess   bool           `json:"excess"`
	Reasons  []string       `json:"reasons"`
	ReadsBy  []string       `json:"reads_by"`
}

// grantsChangeRecord is what a sync did to a view.
type grantsChangeRecord struct {
	View       string         `json:"view"`
	Statements []string       `json:"statements"`
	Revoked    []readerRecord `json:"revoked"`
	Left       []readerRecord `json:"left"`
	Loses      []string       `json:"loses"`
}

func recordAudit(a grants.Audit) auditRecord {
	r := auditRecord{
		View: a.View.String(), Link: a.Link, Unproven: some(a.Unproven), Sources: []sourceRecord{},
		Readers: recordReaders(a.Readers),
	}
	for _, s := range a.Sources {
		r.Sources = append(r.Sources, sourceRecord{s.Name, s.Kind, some(s.Unproven)})
	}
	return r
}

func recordReaders(readers []grants.Reader) []readerRecord {
	records := []readerRecord{}
	for _, r := range readers {
		records = append(records, readerRecord{
			Role: r.Role, Identity: some(r.Identity), Verdict: r.Verdict, Excess: r.Excess(), Reasons: list(r.Reasons),
			ReadsBy: waysOf(r),
		})
	}
	return records
}

func recordChange(c grants.Change) grantsChangeRecord {
	return grantsChangeRecord{
		View: c.View.String(), Statements: list(c.Statements), Revoked: recordReaders(c.Revoked), Left: recordReaders(c.Left),
		Loses: list(c.Loses),
	}
}
