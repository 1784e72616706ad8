package emf_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/infra/emf"
	"github.com/redcache/redcache/internal/lambdatest"
)

func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC) }

func TestPut_WritesTheDocumentedForm(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := emf.New(&out, "Redcache", now).Put([]emf.Dimension{{"Cache", "prod"}, {"View", "bi.sales"}},
		emf.Metric{"RefreshSeconds", emf.Seconds, 1.5}, emf.Metric{"RowsRead", emf.Count, 12_000_000},
		emf.Metric{"Nothing", emf.Count, math.NaN()}, emf.Metric{"TooMuch", emf.Count, math.Inf(1)})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Cache":"prod","RefreshSeconds":1.5,"RowsRead":12000000,"View":"bi.sales","_aws":{"Timestamp":1767323045678,` +
		`"CloudWatchMetrics":[{"Namespace":"Redcache","Dimensions":[["Cache"],["Cache","View"]],` +
		`"Metrics":[{"Name":"RefreshSeconds","Unit":"Seconds"},{"Name":"RowsRead","Unit":"Count"}]}]}}` + "\n"
	if out.String() != want {
		t.Errorf("got  %swant %s", out.String(), want)
	}
	lambdatest.Metrics(t, out.Bytes())
}

func TestPut_KeepsTheBounds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := emf.New(&out, "Redcache", now)
	var many []emf.Metric
	for i := range 250 {
		many = append(many, emf.Metric{fmt.Sprint("M", i), emf.Count, float64(i)})
	}
	for _, value := range []string{"", " ", `bi."Größe"`, "a\nb\x00", strings.Repeat("ä", 2000), strings.Repeat("x", 2000)} {
		if err := w.Put([]emf.Dimension{{"Cache", value}}, many...); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(lambdatest.Metrics(t, out.Bytes())); got != 6*250 {
		t.Errorf("got %d values, want %d", got, 6*250)
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 6*3 {
		t.Errorf("got %d lines, want %d", n, 6*3)
	}
}

func TestPut_RefusesWhatTheFormatDoesNotHave(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(w *emf.Writer) error{
		"too many dimensions": func(w *emf.Writer) error {
			return w.Put(make([]emf.Dimension, 31), emf.Metric{"A", emf.Count, 1})
		},
		"one name for two": func(w *emf.Writer) error {
			return w.Put([]emf.Dimension{{"A", "a"}}, emf.Metric{"A", emf.Count, 1})
		},
		"no dimension": func(w *emf.Writer) error { return w.Put(nil, emf.Metric{"A", emf.Count, 1}) },
		"the format's own name": func(w *emf.Writer) error {
			return w.Put([]emf.Dimension{{"A", "a"}}, emf.Metric{"_aws", emf.Count, 1})
		},
		"no name": func(w *emf.Writer) error {
			return w.Put([]emf.Dimension{{"A", "a"}}, emf.Metric{"", emf.Count, 1})
		},
	} {
		var out bytes.Buffer
		if err := put(emf.New(&out, "Redcache", now)); err == nil || out.Len() > 0 {
			t.Errorf("%s: got %q, %v", name, out.String(), err)
		}
	}
	if err := emf.New(broken{}, "Redcache", now).Put([]emf.Dimension{{"B", "b"}}, emf.Metric{"A", emf.Count, 1}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

var errBroken = errors.New("broken pipe")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
