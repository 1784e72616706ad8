package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/redcache/redcache/infra"
)

// rowWriter prints the rows of a query one by one. It needs the same memory for any number of rows.
type rowWriter interface {
	write(values []*string) error
	close() error
}

func (p *program) newRowWriter(names []string, o queryOptions) rowWriter {
	switch {
	case o.json:
		return &jsonRows{out: bufio.NewWriter(p.stdout), names: distinct(names)}
	case o.csv || !isTerminal(p.stdout):
		rows := &csvRows{out: bufio.NewWriter(p.stdout), terminal: isTerminal(p.stdout)}
		rows.header(names)
		return rows
	}
	return &tableRows{out: p.stdout, names: names}
}

// distinct numbers the names that repeat, from the second on: a, a_2, a_3. An object has each of its fields once.
func distinct(names []string) []string {
	taken := map[string]bool{}
	for _, name := range names {
		taken[name] = true
	}
	seen, unique := map[string]bool{}, make([]string, len(names))
	for i, name := range names {
		unique[i] = name
		for n := 2; seen[unique[i]] || unique[i] != name && taken[unique[i]]; n++ {
			unique[i] = fmt.Sprintf("%s_%d", name, n)
		}
		seen[unique[i]] = true
	}
	return unique
}

// csvRows writes RFC 4180 as COPY … CSV does: NULL is an empty field, an empty text is "". A program gets the values as
// they are; a terminal gets control characters as escapes.
type csvRows struct {
	out      *bufio.Writer
	terminal bool // control characters become escapes
}

func (w *csvRows) header(names []string) {
	values := make([]*string, len(names))
	for i := range names {
		values[i] = &names[i]
	}
	_ = w.write(values) // a bufio.Writer fails again when it is flushed
}

func (w *csvRows) write(values []*string) error {
	for i, value := range values {
		if i > 0 {
			_ = w.out.WriteByte(',')
		}
		if value != nil {
			_, _ = w.out.WriteString(csvField(w.text(*value)))
		}
	}
	return w.out.WriteByte('\n')
}

func (w *csvRows) text(value string) string {
	if w.terminal {
		return printable(value)
	}
	return value
}

func (w *csvRows) close() error { return w.out.Flush() }

func csvField(text string) string {
	if text != "" && text != `\.` && !strings.ContainsAny(text, ",\"\r\n") {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// jsonRows writes one object a line, its fields in the order of the query.
type jsonRows struct {
	out   *bufio.Writer
	names []string
}

func (w *jsonRows) write(values []*string) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	for i, value := range values {
		line.WriteByte(",{"[b2i(i == 0)])
		for j, part := range []any{w.names[i], value} {
			if err := encoder.Encode(part); err != nil {
				return err
			}
			line.Truncate(line.Len() - 1) // the encoder's newline
			if j == 0 {
				line.WriteByte(':')
			}
		}
	}
	line.WriteString("}\n")
	_, err := infra.PrintableJSON(w.out).Write(line.Bytes())
	return err
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (w *jsonRows) close() error { return w.out.Flush() }

// tableRows aligns rows in batches, each with a heading of its own.
type tableRows struct {
	out   io.Writer
	names []string
	batch [][]string
	some  bool
}

const batchSize = 1000

func (w *tableRows) write(values []*string) error {
	row := make([]string, len(values))
	for i, value := range values {
		row[i] = "NULL"
		if value != nil {
			row[i] = *value
		}
	}
	w.batch = append(w.batch, row)
	if len(w.batch) < batchSize {
		return nil
	}
	return w.flush()
}

func (w *tableRows) flush() error {
	err := table{headings: w.names, rows: w.batch}.write(w.out, columnsOf(w.out))
	w.batch, w.some = w.batch[:0], true
	return err
}

func (w *tableRows) close() error {
	if len(w.batch) == 0 && w.some {
		return nil
	}
	return w.flush()
}
