package redshiftsim

import (
	"fmt"
	"strconv"
)

// singleNodeFetch is the most rows that one FETCH may ask a single-node cluster for.
const singleNodeFetch = 1000

// cursorRefusals are what DECLARE and FETCH do not take. What depends on the session or the cluster has no example here.
var cursorRefusals = []Refusal{
	{
		Name: "cursor outside a transaction", Example: `DECLARE c CURSOR FOR SELECT 1`, Code: "25P01",
		Message: "cursors can only be used within the transaction that created them", Source: "2",
	},
	{
		Name: "WITH HOLD", Example: `BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1`, Code: "42601",
		Message: `syntax error at or near "WITH"`, Source: "2", Believed: true, match: declareOptions,
	},
	{
		Name: "SCROLL", Example: `BEGIN; DECLARE c SCROLL CURSOR FOR SELECT 1`, Code: "42601",
		Message: `syntax error at or near "SCROLL"`, Source: "2", Believed: true, match: declareOptions,
	},
	{
		Name: "BINARY", Example: `BEGIN; DECLARE c BINARY CURSOR FOR SELECT 1`, Code: "42601",
		Message: `syntax error at or near "BINARY"`, Source: "2", Believed: true, match: declareOptions,
	},
	{
		Name:    "second cursor",
		Example: `BEGIN; DECLARE c CURSOR FOR SELECT 1; DECLARE d CURSOR FOR SELECT 2`, Code: "0A000",
		Message: "only one cursor can be open in a session", Source: "2", Believed: true, match: secondCursor,
	},
	{
		Name:    "FETCH backwards",
		Example: `BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH BACKWARD 1 FROM c`, Code: "0A000",
		Message: "cursors can only be fetched forward", Source: "2", Believed: true, match: fetchBackward,
	},
	{
		Name: "FETCH of 1001 rows from a single node", Source: "2", Believed: true, match: fetchSize,
	},
}

func declareOptions(st *statement) *EngineError {
	switch {
	case st.word(0) != "declare":
		return nil
	case st.word(2) != "cursor":
		return st.nearToken(2)
	case st.word(3) != "for":
		return st.nearToken(3)
	}
	return nil
}

func secondCursor(st *statement) *EngineError {
	if st.word(0) == "declare" && st.cursorOpen {
		e := unsupported("only one cursor can be open in a session")
		return &e
	}
	return nil
}

func fetchBackward(st *statement) *EngineError {
	if st.word(0) != "fetch" {
		return nil
	}
	switch st.word(1) {
	case "backward", "prior", "first", "last", "absolute", "relative":
		e := unsupported("cursors can only be fetched forward")
		return &e
	}
	return nil
}

func fetchSize(st *statement) *EngineError {
	if st.word(0) != "fetch" || !st.singleNode {
		return nil
	}
	count := 1
	if st.word(1) == "forward" {
		count = 2
	}
	kind, ok := st.kind(count)
	n, err := 0, error(nil)
	if ok && kind == numberToken {
		n, err = strconv.Atoi(st.tokens[count].word)
	}
	switch {
	case st.word(count) == "all":
		e := unsupported("FETCH ALL is not supported on a single node configuration")
		return &e
	case n > singleNodeFetch || err != nil:
		e := unsupported(fmt.Sprintf("Fetch size %s exceeds the limit of %d for a single node configuration. "+
			"Reduce the client fetch/cache size or upgrade to a multi node installation.",
			st.tokens[count].word, singleNodeFetch))
		return &e
	}
	return nil
}
