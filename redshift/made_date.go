package redshift

import "strings"

// madeDate finds a cast to a date or time at i of a text that functions make of constants, as in
// split_part('x,now', ',', 2)::timestamp, where that text can be a moving date. It returns what to name it by. Texts are
// made dates nowhere without a cast, except for literals.
func (s scan) madeDate(i int) string {
	from, to := s.castOperand(i)
	if from >= to {
		return ""
	}
	return s.madeMover(from, to)
}

// handedOut finds a text at i that functions make of constants in a subquery, when a column is cast to a date anywhere: that
// column may be this one.
func (s scan) handedOut(i int) string {
	if s.opening(i) < 0 || !s.isCall(i+1) || s.word(i+1) != "(" || !rearranging[s.name(i)] && s.name(i) != "chr" {
		return ""
	}
	end := s.closing(i+1) + 1
	if end > len(s.tokens) || s.hasColumn(i, end) || !s.spellsMover(i, end) {
		return ""
	}
	for n := range s.tokens {
		if from, to := s.castOperand(n); from >= 0 && from < to && s.hasColumn(from, min(to, len(s.tokens))) {
			return s.query[s.tokens[i].from:s.tokens[end-1].to]
		}
	}
	return ""
}

// castOperand returns the tokens of what the type at i is cast from; none where it is no date's type, or no cast.
func (s scan) castOperand(i int) (from, to int) {
	if !dateTypes[s.name(i)] {
		return 0, 0
	}
	start := i
	if s.afterDot(i) {
		start = i - 2 // pg_catalog.date
	}
	open := s.opening(i)
	caller := s.word(open - 1)
	switch {
	case s.word(start-1) == ":" && s.word(start-2) == ":":
		return s.termStart(start - 3), start - 2
	case s.word(start-1) == "as" && (caller == "cast" || caller == "try_cast"):
		return open + 1, start - 1
	case caller == "convert" && start == open+1:
		for i++; i < len(s.tokens) && s.word(i) != ","; i++ {
			if s.word(i) == "(" {
				i = s.closing(i)
			}
		}
		return i + 1, s.closing(open)
	case s.word(i+1) == "(" && s.tokens[min(i+2, len(s.tokens)-1)].kind != tokenNumber:
		return i + 2, s.closing(i + 1)
	}
	return 0, 0
}

// termStart returns the index of the first token of the value that ends at last, without a sign before it.
func (s scan) termStart(last int) int {
	at := last
	if s.word(at) == ")" {
		if at = s.opening(at); at < 0 {
			return 0
		}
		if s.name(at-1) != "" && !beforeValue[s.word(at-1)] || s.isCallOf(at) {
			at--
		}
	}
	for s.afterDot(at) {
		at -= 2
	}
	if s.word(at-1) == ":" && s.word(at-2) == ":" { // a cast of a cast
		return s.termStart(at - 3)
	}
	return at
}

// isCallOf tells whether a word before the parenthesis at open, though reserved, is a function: LEFT(x, 1).
func (s scan) isCallOf(open int) bool { return rearranging[s.word(open-1)] && s.isWord(open-1) }

// madeMover looks at the tokens from from to to, as a whole or within their parentheses where there are columns beside them.
func (s scan) madeMover(from, to int) string {
	if from > to || from < 0 {
		return ""
	}
	if !s.hasColumn(from, to) {
		if s.spellsMover(from, to) {
			return s.query[s.tokens[from].from:s.tokens[to-1].to]
		}
		return ""
	}
	for i := from; i < to; i++ {
		if s.word(i) != "(" {
			continue
		}
		start, end := i, min(s.closing(i)+1, to)
		if s.isCall(i) {
			start = i - 1
		}
		if s.isCall(i) && !s.hasColumn(start, end) {
			if word := s.madeMover(start, end); word != "" {
				return word
			}
		} else if word := s.madeMover(i+1, end-1); word != "" {
			return word
		}
		i = end - 1
	}
	return ""
}

// isCall tells whether the parenthesis at open is that of a function's arguments.
func (s scan) isCall(open int) bool {
	return s.isCallOf(open) || s.name(open-1) != "" && !beforeValue[s.word(open-1)]
}

// hasColumn tells whether any name from from to to is a column's.
func (s scan) hasColumn(from, to int) bool {
	for i := from; i < to; i++ {
		switch word := s.word(i); {
		case s.name(i) == "", s.word(i+1) == "(", s.word(i+1) == ".", s.isWord(i) && beforeValue[word]:
		case s.word(i-1) == ":", s.word(i-1) == "as", typeWords[word] && s.isWord(i):
		default:
			return true
		}
	}
	return false
}

// spellsMover tells whether functions make a text of the constants from from to to that has the letters of a moving date.
func (s scan) spellsMover(from, to int) bool {
	if first := s.name(from); letterless[first] && s.word(from+1) == "(" && s.closing(from+1) == to-1 {
		return false // no text, but a date or a number
	}
	var letters strings.Builder
	made := false
	for i := from; i < to; i++ {
		switch word := s.word(i); {
		case s.isLiteral(i):
			for _, text := range s.literals(i, i+1) {
				if strings.Contains(text, `\`) {
					return true // escapes of JSON, say
				}
				letters.WriteString(foldName(text))
			}
		case word == "|" || word == "+":
			made = true
		case s.word(i+1) != "(" || !s.isCall(i+1) || typeWords[word]:
		case word == "chr":
			made = true
			letters.WriteString(foldName(s.character(i + 2)))
		case hexadecimal[word]:
			made = true
			letters.WriteString("abcdef")
		case letterless[s.name(i)]:
		case rearranging[s.name(i)]:
			made = true
		default:
			return true // whatever it makes
		}
	}
	return made && spells(letters.String())
}

// character is what CHR makes of the number at i; of anything else it may be any.
func (s scan) character(i int) string {
	if i < len(s.tokens) && s.tokens[i].kind == tokenNumber && s.word(i+1) == ")" {
		if value, length := leadingNumber(s.text(i), escape{10, 7}); length == len(s.text(i)) {
			return string(value)
		}
	}
	return "nowtoday"
}

// spells tells whether a text has all letters of a word that moves.
func spells(letters string) bool {
	for word := range movingWords {
		missing := strings.IndexFunc(word, func(r rune) bool { return !strings.ContainsRune(letters, r) })
		if missing < 0 {
			return true
		}
	}
	return false
}

var (
	dateTypes = wordSet(`date datetime smalldatetime time timetz timestamp timestamptz abstime`)

	// typeWords stand in casts, and beside no column.
	typeWords = wordSet(`
	bigint bool boolean bpchar char character date datetime dec decimal double float float4 float8 int int2 int4 int8 integer
	interval nchar numeric nvarchar precision real smallint super text time timestamp timestamptz timetz varbyte varchar
	varying zone day month year hour minute second week quarter`)

	// rearranging functions return texts whose letters are all in their arguments.
	rearranging = wordSet(`
	any_value btrim case cast coalesce collate concat convert decode greatest initcap json_extract_array_element_text
	json_extract_path_text json_parse json_serialize least left listagg lower lpad ltrim max min nullif nvl nvl2 regexp_replace
	regexp_substr repeat replace replicate reverse right rpad rtrim split_part split_to_array substr substring translate trim
	try_cast upper quote_ident quote_literal get_array_length array object`)

	hexadecimal = wordSet(`md5 sha sha1 sha2 func_sha1 to_hex`)

	// letterless functions return dates, numbers and truths.
	letterless = wordSet(`
	add_months convert_timezone date_add date_diff date_part date_part_year date_trunc dateadd datediff datepart extract
	from_unixtime last_day months_between next_day timezone to_date to_timestamp trunc to_number
	abs ceil ceiling floor mod power round sign sqrt ascii char_length character_length charindex crc32 len length
	octet_length position regexp_count regexp_instr strpos strtol textlen json_array_length is_valid_json can_json_parse
	count sum avg row_number rank dense_rank exists in any all date time timestamp`)
)
