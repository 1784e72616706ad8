package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSVG_IsWellFormed(t *testing.T) {
	t.Parallel()
	r := summarize(options{rows: 1000, runs: 2}, "a machine", made())
	r.Scenarios[0].Name = `copy <&"pipe">`
	for _, tt := range []struct {
		name string
		r    results
		bars int
	}{
		{"some", r, 4}, // neither the 100 % nor the small table
		{"none", results{}, 0},
	} {
		bars := 0
		for decoder := xml.NewDecoder(bytes.NewReader(tt.r.svg())); ; {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if element, ok := token.(xml.StartElement); ok && element.Name.Local == "rect" {
				bars++
			}
		}
		if bars != tt.bars {
			t.Errorf("%s: got %d bars, want %d", tt.name, bars, tt.bars)
		}
	}
}

func TestGridStep_GivesAFewLines(t *testing.T) {
	t.Parallel()
	for _, length := range []float64{0.013, 0.4, 1, 3.9, 7.5, 10, 99, 123} {
		step := gridStep(length)
		if lines := length / step; lines < 4 || lines > 10.0001 {
			t.Errorf("length %v: step %v makes %v lines", length, step, lines)
		}
	}
}

func TestDocument_FillsItsPlaceOnly(t *testing.T) {
	t.Parallel()
	r := summarize(options{rows: 1000, runs: 2}, "a machine", made())
	dir := t.TempDir()
	path := filepath.Join(dir, "benchmarks.md")
	const page = "before\n" + beginTable + "\nold\n" + endTable + "\nafter\n"
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	var texts [2]string
	for i := range texts { // the second time changes nothing
		if err := r.document(dir); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if texts[0] != texts[1] {
		t.Errorf("the second time made\n%s\nof\n%s", texts[1], texts[0])
	}
	if !strings.HasPrefix(texts[0], "before\n"+beginTable) || !strings.HasSuffix(texts[0], endTable+"\nafter\n") ||
		strings.Contains(texts[0], "old") || !strings.Contains(texts[0], "| `"+swapStream+"` | 5.200 |") {
		t.Errorf("got\n%s", texts[0])
	}
	if _, err := os.Stat(filepath.Join(dir, "benchmark.svg")); err != nil {
		t.Error(err)
	}
	if _, err := between("no marks", ""); err == nil {
		t.Error("a page without marks was accepted")
	}
}

func TestPrint_ShowsVerdicts(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := summarize(options{rows: 1000, runs: 2}, "a machine", made())
	r.Skipped = []string{"something"}
	r.print(&out)
	for _, want := range []string{"1,000 rows", "a machine", swapStream, "PASS", "MISS", "300 ms", "not measured: something"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
