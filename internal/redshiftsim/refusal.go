package redshiftsim

import "slices"

// Refusal is one thing that Redshift refuses, with an example that the stand-in's own tests send.
type Refusal struct {
	Name    string
	Example string // a whole query text that meets it; table tickit_example(id int, name varchar) may be used
	Code    string // SQLSTATE that the example gets
	Message string // text that the example gets
	// Source is the section of the fact sheet that the refusal comes from. Believed means that the refusal or its text
	// is an inference: no document or report shows it.
	Source   string
	Believed bool

	match func(*statement) *EngineError // nil where the engine refuses by itself after a rewrite
}

// Refusals lists what the stand-in refuses.
func Refusals() []Refusal {
	return slices.Concat(commandRefusals, cursorRefusals, queryRefusals, windowRefusals, missingRefusals(), settingRefusals())
}

// refused returns why a statement must not run, or nil.
func (st *statement) refused() *EngineError {
	for _, r := range activeRefusals {
		if e := r.match(st); e != nil {
			return e
		}
	}
	return nil
}

var activeRefusals = slices.DeleteFunc(Refusals(), func(r Refusal) bool { return r.match == nil })

// nearToken refuses with a syntax error at token i.
func (st *statement) nearToken(i int) *EngineError {
	if i >= len(st.tokens) {
		return &EngineError{Code: "42601", Message: "syntax error at end of input"}
	}
	e := syntaxErrorAt(st.original(i))
	return &e
}

// near makes a rule that refuses the words with a syntax error at one of them.
func near(offset int, words ...string) func(*statement) *EngineError {
	return func(st *statement) *EngineError {
		if i := st.find(words...); i >= 0 {
			return st.nearToken(i + offset)
		}
		return nil
	}
}

// starts makes a rule that refuses commands which start with the words.
func starts(e EngineError, words ...string) func(*statement) *EngineError {
	return func(st *statement) *EngineError {
		if st.reads(0, words...) {
			return &e
		}
		return nil
	}
}

// startsNear makes a rule that refuses commands which start with the words with a syntax error at one of them.
func startsNear(offset int, words ...string) func(*statement) *EngineError {
	return func(st *statement) *EngineError {
		if st.reads(0, words...) {
			return st.nearToken(offset)
		}
		return nil
	}
}
