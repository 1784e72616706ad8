package infra

// Nearest returns the candidate that is most likely meant by a misspelt word, or "" when none is close: at most a
// third of the word's bytes are wrong, or one.
func Nearest(word string, candidates []string) string {
	best, fewest := "", max(1, len(word)/3)+1
	for _, c := range candidates {
		if d := distance(word, c); d < fewest {
			best, fewest = c, d
		}
	}
	return best
}

// distance is Levenshtein's: the fewest bytes to insert, delete or replace that turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
