package redshift

// Unordered tells whether a query asks which row is first without saying in what order, and names the word by which it
// does: two sessions that see the same tables may then see other rows. That rows which are equal in the order that it
// says come in either one cannot be told from the text. A text that cannot be read is taken for one that does.
func Unordered(query string) (word string, unordered bool) {
	tokens, err := tokensOf(query)
	if err != nil {
		return unreadable, true
	}
	s := scan{query: query, tokens: tokens}
	for i := range tokens {
		if s.word(i+1) == "(" && !s.afterDot(i) && s.isUnordered(i) {
			return s.text(i), true
		}
	}
	return "", false
}

// positional are the functions whose result depends on the order of rows.
var positional = wordSet(`first_value lag last_value lead nth_value ntile row_number`)

func (s scan) isUnordered(i int) bool {
	behind := s.closing(i+1) + 1
	switch name := s.name(i); {
	case name == "any_value":
		return true
	case name == "listagg":
		return s.word(behind) != "within"
	case !positional[name]:
		return false
	}
	for s.word(behind) == "ignore" || s.word(behind) == "respect" || s.word(behind) == "nulls" {
		behind++
	}
	if s.word(behind) != "over" {
		return false
	}
	end := s.closing(behind + 1)
	for at := behind + 1; at < end; at++ {
		if s.word(at) == "order" && s.word(at+1) == "by" {
			return false
		}
	}
	return true
}
