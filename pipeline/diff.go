package pipeline

import (
	"fmt"
	"strings"
)

// around is how many lines that stay are shown about one that changes.
const around = 3

// line is a line of two texts.
type line struct {
	mark byte // ' ' in both, '-' or '+' in one of them
	text string
}

// Diff is what changes from one text to another, by lines, in the form of `diff -u` without its head; empty when they are the
// same.
func Diff(before, after string) string {
	all := compareLines(strings.Split(before, "\n"), strings.Split(after, "\n"))
	shown := make([]bool, len(all))
	for i, l := range all {
		for near := max(0, i-around); l.mark != ' ' && near < min(len(all), i+around+1); near++ {
			shown[near] = true
		}
	}
	var b strings.Builder
	var was, is int // lines of either text that have gone by
	for i := 0; i < len(all); {
		to := i
		for to < len(all) && shown[to] == shown[i] {
			to++
		}
		left, right := count(all[i:to], '+'), count(all[i:to], '-')
		if shown[i] {
			fmt.Fprintf(&b, "@@ -%s +%s @@\n", place(was, left), place(is, right))
			for _, l := range all[i:to] {
				b.WriteString(string(l.mark) + l.text + "\n")
			}
		}
		was, is, i = was+left, is+right, to
	}
	return b.String()
}

// count is how many lines do not have a mark.
func count(lines []line, mark byte) (n int) {
	for _, l := range lines {
		if l.mark != mark {
			n++
		}
	}
	return n
}

// place says where lines are: the first of them, or the one before where there are none.
func place(before, lines int) string {
	if lines == 0 {
		return fmt.Sprintf("%d,0", before)
	}
	return fmt.Sprintf("%d,%d", before+1, lines)
}

// compareLines puts the lines of two texts in one list, with as many as possible in common.
func compareLines(a, b []string) (all []line) {
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		all = append(all, line{' ', a[same]})
		same++
	}
	a, b = a[same:], b[same:]
	end := 0
	for end < min(len(a), len(b)) && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	all = append(all, compareMiddle(a[:len(a)-end], b[:len(b)-end])...)
	for _, text := range a[len(a)-end:] {
		all = append(all, line{' ', text})
	}
	return all
}

// compareMiddle finds the longest list of lines that both texts have, unless they are so long that this would take long.
func compareMiddle(a, b []string) (all []line) {
	const most = 4 << 20 // pairs of lines
	common := make([][]int32, len(a)+1)
	for i := len(a); i >= 0 && len(a)*len(b) <= most; i-- {
		common[i] = make([]int32, len(b)+1)
		for j := len(b) - 1; j >= 0 && i < len(a); j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) && common[0] != nil {
		switch {
		case a[i] == b[j]:
			all = append(all, line{' ', a[i]})
			i++
			j++
		case common[i+1][j] >= common[i][j+1]:
			all = append(all, line{'-', a[i]})
			i++
		default:
			all = append(all, line{'+', b[j]})
			j++
		}
	}
	for ; i < len(a); i++ {
		all = append(all, line{'-', a[i]})
	}
	for ; j < len(b); j++ {
		all = append(all, line{'+', b[j]})
	}
	return all
}
