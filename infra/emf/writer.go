package emf

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Unit is CloudWatch's word for what a value counts.
type Unit string

// The units in use here, of those that CloudWatch knows.
const (
	Seconds Unit = "Seconds"
	Bytes   Unit = "Bytes"
	Count   Unit = "Count"
)

// Metric is one value.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64
}

// Dimension says what a value is of. A value that is empty, too long or not in ASCII is written in the way that CloudWatch takes.
type Dimension struct{ Name, Value string }

// The bounds of the format. The tests have all of them.
const (
	maxMetrics    = 100 // in one line
	maxDimensions = 30
	maxText       = 1024 // characters of a dimension's value
)

// Writer writes metrics. It may be used from several goroutines.
type Writer struct {
	namespace string
	now       func() time.Time

	mu sync.Mutex
	w  io.Writer
}

// New returns a writer of metrics of a namespace into w, which gets each line by one call.
func New(w io.Writer, namespace string, now func() time.Time) *Writer {
	return &Writer{w: w, namespace: namespace, now: now}
}

// Put writes values of now, for each dimension together with those before it: with Cache and View, the values count for
// the view, and for the cache as a whole. Values that are no finite numbers are left out. It fails when w does, or when
// the program asks for what the format does not have.
func (w *Writer) Put(dimensions []Dimension, metrics ...Metric) error {
	metrics = slices.DeleteFunc(slices.Clone(metrics), func(m Metric) bool {
		return math.IsNaN(m.Value) || math.IsInf(m.Value, 0)
	})
	for some := range slices.Chunk(metrics, maxMetrics) {
		line, err := w.line(dimensions, some)
		if err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
		w.mu.Lock()
		_, err = w.w.Write(line)
		w.mu.Unlock()
		if err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	return nil
}

// directive is what makes CloudWatch take values out of a line.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct {
	Name string
	Unit Unit
}

type metadata struct {
	Timestamp         int64 // milliseconds
	CloudWatchMetrics []directive
}

func (w *Writer) line(dimensions []Dimension, metrics []Metric) ([]byte, error) {
	if len(dimensions) < 1 || len(dimensions) > maxDimensions {
		return nil, fmt.Errorf("got %d dimensions, want 1 to %d", len(dimensions), maxDimensions)
	}
	line := make(map[string]any)
	member := func(name string, value any) error {
		if _, taken := line[name]; taken || name == "" || name == "_aws" {
			return fmt.Errorf("member %q is there twice, or has no name of its own", name)
		}
		line[name] = value
		return nil
	}
	d := directive{Namespace: w.namespace, Dimensions: [][]string{}}
	var names []string
	for _, dimension := range dimensions {
		names = append(names, dimension.Name)
		d.Dimensions = append(d.Dimensions, slices.Clone(names))
		if err := member(dimension.Name, plain(dimension.Value)); err != nil {
			return nil, err
		}
	}
	for _, m := range metrics {
		d.Metrics = append(d.Metrics, definition{m.Name, m.Unit})
		if err := member(m.Name, m.Value); err != nil {
			return nil, err
		}
	}
	line["_aws"] = metadata{Timestamp: w.now().UnixMilli(), CloudWatchMetrics: []directive{d}}
	text, err := json.Marshal(line)
	return append(text, '\n'), err
}

// plain writes what CloudWatch does not take in the value of a dimension as question marks. Two views whose names differ in
// nothing else share their metrics then.
func plain(value string) string {
	value = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, value)
	if len(value) > maxText {
		value = value[:maxText]
	}
	if strings.TrimSpace(value) == "" {
		return "?"
	}
	return value
}
