package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// fields are a definition as it stands in Go, without the form of its durations.
type fields Definition

// definitionJSON is what a definition is written as: its durations are in seconds.
type definitionJSON struct {
	fields
	SafetyLag      seconds `json:"safety_lag"`
	ReconcileEvery seconds `json:"reconcile_every"`
	RefreshEvery   seconds `json:"refresh_every"`
	MaxAge         seconds `json:"max_age"`
	Timeout        seconds `json:"timeout"`
}

// MarshalJSON writes all fields, those that hold by default as well. Two definitions that say the same are written alike.
func (d Definition) MarshalJSON() ([]byte, error) {
	for _, list := range []*[]string{&d.Key, &d.Indexes, &d.Grantees, &d.Checks} {
		if *list == nil {
			*list = []string{}
		}
	}
	return json.Marshal(definitionJSON{
		fields(d), seconds(d.SafetyLag), seconds(d.ReconcileEvery), seconds(d.RefreshEvery), seconds(d.MaxAge), seconds(d.Timeout),
	})
}

// UnmarshalJSON reads what MarshalJSON has written, here or in an older version: what is not there is as it is by default,
// and so is, with an error, what could not be read.
func (d *Definition) UnmarshalJSON(text []byte) error {
	def := Defaults()
	read := definitionJSON{fields: fields(def), Timeout: seconds(def.Timeout)}
	err := json.Unmarshal(text, &read)
	*d = Definition(read.fields)
	d.SafetyLag, d.ReconcileEvery = time.Duration(read.SafetyLag), time.Duration(read.ReconcileEvery)
	d.RefreshEvery, d.MaxAge, d.Timeout = time.Duration(read.RefreshEvery), time.Duration(read.MaxAge), time.Duration(read.Timeout)
	if err == nil {
		err = d.checkPlaces()
	}
	if err != nil {
		return fmt.Errorf("read definition: %w", err)
	}
	return nil
}

// checkPlaces refuses references that are no places in the query, one behind the other, and forgets them.
func (d *Definition) checkPlaces() error {
	at := 0
	for i, r := range d.References {
		if r.Name.Schema == "" || r.Name.View == "" || r.From < at || r.To <= r.From || r.To > len(d.Query) {
			d.References = nil
			return fmt.Errorf("reference %d of its source is no place in its query that names a view", i+1)
		}
		at = r.To
	}
	return nil
}

// canonical is the one form that a definition is written in.
func (d Definition) canonical() []byte {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // texts, numbers and lists of texts
	}
	return text
}

// Equal says whether two definitions say the same.
func (d Definition) Equal(other Definition) bool {
	return bytes.Equal(d.canonical(), other.canonical())
}

// Hash names what a definition says, in 64 hexadecimal digits.
func (d Definition) Hash() string {
	sum := sha256.Sum256(d.canonical())
	return hex.EncodeToString(sum[:])
}

// seconds is a duration as a number of seconds, to the microsecond, which is as fine as PostgreSQL's intervals are.
type seconds time.Duration

// MarshalJSON writes 90, or 0.25.
func (s seconds) MarshalJSON() ([]byte, error) {
	micros := time.Duration(s).Microseconds()
	sign := ""
	if micros < 0 {
		sign, micros = "-", -micros
	}
	text := fmt.Sprintf("%s%d.%06d", sign, micros/1e6, micros%1e6)
	return []byte(strings.TrimSuffix(strings.TrimRight(text, "0"), ".")), nil
}

// UnmarshalJSON reads a number.
func (s *seconds) UnmarshalJSON(text []byte) error {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return &json.UnmarshalTypeError{Value: string(text), Type: reflect.TypeFor[float64]()}
	}
	const most = math.MaxInt64/1e9 - 1 // 292 years; what is more is as good
	n = min(max(n, -most), most)
	*s = seconds(time.Duration(n*1e6+0.5) * time.Microsecond)
	return nil
}
