package redshift

// Limits tells whether a query returns some of many rows, at its end or anywhere inside, and names the word by which it
// does. Which rows these are may differ each time that it runs on the same data, unless its order has no ties, which
// cannot be told from the text. A text that cannot be read is taken for one that does.
func Limits(query string) (word string, limits bool) {
	tokens, err := tokensOf(query)
	if err != nil {
		return unreadable, true
	}
	s := scan{query: query, tokens: tokens}
	for i := range tokens {
		if s.isLimit(i) {
			return s.text(i), true
		}
	}
	return "", false
}

func (s scan) isLimit(i int) bool {
	if s.afterDot(i) || s.isAlias(i) {
		return false
	}
	switch s.word(i) {
	case "limit", "offset":
		return s.word(i+1) != "."
	case "top":
		return selecting[s.word(i-1)]
	case "fetch":
		return s.word(i+1) == "first" || s.word(i+1) == "next"
	}
	return false
}

// selecting are the words behind which the first column of a query stands, or TOP.
var selecting = wordSet(`select distinct all`)
