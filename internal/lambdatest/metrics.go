package lambdatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// Metric is one value as CloudWatch would take it from a line.
type Metric struct {
	Namespace  string
	Name, Unit string
	Value      float64
	Dimensions map[string]string // all that the line has
	Sets       [][]string        // the names of those that the value counts for together
	Time       time.Time
}

// units are those of the MetricDatum of CloudWatch.
var units = []string{
	"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits",
	"Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second",
	"Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second",
	"Terabits/Second", "Count/Second", "None",
}

// Metrics reads lines in the embedded metric format, and fails the test when one breaks the rules that AWS publishes
// (Amazon CloudWatch User Guide, "Specification: Embedded metric format", with its JSON schema).
func Metrics(t testing.TB, lines []byte) []Metric {
	t.Helper()
	var all []Metric
	for line := range bytes.Lines(lines) {
		metrics, err := readLine(line)
		if err != nil {
			t.Errorf("metrics: %v: %.500s", err, line)
		}
		all = append(all, metrics...)
	}
	return all
}

// node is the part of a line that the format describes. Whatever else a line has must be what it describes.
type node struct {
	AWS *struct {
		Timestamp         *int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct {
				Name, Unit        string
				StorageResolution *int
			}
		}
	} `json:"_aws"`
}

const maxEvent = 1 << 20 // bytes of one event in CloudWatch Logs

func readLine(line []byte) ([]Metric, error) {
	var n node
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(line, &members); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(members["_aws"]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&n.AWS); err != nil {
		return nil, fmt.Errorf("_aws: %w", err)
	}
	switch {
	case len(line) > maxEvent || line[len(line)-1] != '\n' || bytes.IndexByte(line, '\n') != len(line)-1:
		return nil, fmt.Errorf("it is not one line of at most %d bytes", maxEvent)
	case n.AWS == nil || n.AWS.Timestamp == nil || *n.AWS.Timestamp <= 0:
		return nil, fmt.Errorf("_aws.Timestamp is missing")
	case len(n.AWS.CloudWatchMetrics) == 0:
		return nil, fmt.Errorf("_aws.CloudWatchMetrics is empty")
	}
	delete(members, "_aws")
	var all []Metric
	for _, d := range n.AWS.CloudWatchMetrics {
		if len(d.Namespace) < 1 || len(d.Namespace) > 1024 || len(d.Metrics) < 1 || len(d.Metrics) > 100 || len(d.Dimensions) < 1 {
			return nil, fmt.Errorf("namespace %q, %d metrics, %d sets of dimensions", d.Namespace, len(d.Metrics), len(d.Dimensions))
		}
		dimensions := map[string]string{}
		for _, set := range d.Dimensions {
			if len(set) < 1 || len(set) > 30 {
				return nil, fmt.Errorf("a set has %d dimensions", len(set))
			}
			for _, name := range set {
				value, err := readDimension(name, members[name])
				if err != nil {
					return nil, err
				}
				dimensions[name] = value
			}
		}
		for _, m := range d.Metrics {
			var value float64
			if len(m.Name) < 1 || len(m.Name) > 1024 || !slices.Contains(units, m.Unit) || m.StorageResolution != nil {
				return nil, fmt.Errorf("metric %q in %q", m.Name, m.Unit)
			}
			if err := json.Unmarshal(members[m.Name], &value); err != nil || dimensions[m.Name] != "" {
				return nil, fmt.Errorf("metric %q has the value %s", m.Name, members[m.Name])
			}
			all = append(all, Metric{
				Namespace: d.Namespace, Name: m.Name, Unit: m.Unit, Value: value, Dimensions: dimensions, Sets: d.Dimensions,
				Time: time.UnixMilli(*n.AWS.Timestamp),
			})
		}
	}
	for name := range members {
		if !slices.ContainsFunc(all, func(m Metric) bool { return m.Name == name || m.Dimensions[name] != "" }) {
			return nil, fmt.Errorf("member %q is neither a dimension nor a metric", name)
		}
	}
	return all, nil
}

// readDimension reads the value of a dimension, by the rules for names and values of dimensions in CloudWatch's API.
func readDimension(name string, text json.RawMessage) (string, error) {
	var value string
	if err := json.Unmarshal(text, &value); err != nil {
		return "", fmt.Errorf("dimension %q has the value %s", name, text)
	}
	for what, is := range map[string]string{"name": name, "value": value} {
		visible := false
		for _, r := range is {
			if r < ' ' || r > '~' {
				return "", fmt.Errorf("dimension %q: its %s has a character that is not in ASCII", name, what)
			}
			visible = visible || r != ' '
		}
		if !visible || len(is) > 1024 || what == "name" && (len(is) > 250 || is[0] == ':') {
			return "", fmt.Errorf("dimension %q: its %s is %q", name, what, is)
		}
	}
	return value, nil
}
