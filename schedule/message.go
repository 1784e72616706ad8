package schedule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/redcache/redcache/catalog"
)

// messageVersion is the newest form of a message that this program writes and understands.
const messageVersion = 1

// longestName is more than the name of any view: two identifiers of 63 bytes, all quotes doubled, within quotes.
const longestName = 300

// message asks for the refresh of a view. Its first form had only the view, which is also how people ask. What a newer
// form may add has no meaning here, so that it is refused, and left to a program that knows.
type message struct {
	Version int        `json:"version,omitempty"`
	View    string     `json:"view"`
	Sent    *time.Time `json:"sent,omitempty"`
	Claim   *time.Time `json:"claim,omitempty"` // when the claim that the message was sent for ends, which names it
}

// MessageError says that a message cannot be understood, now or at any later time. [Handler.Message] and
// [Handler.Refresh] return it.
type MessageError struct{ Problem string }

// Error says what is wrong. It does not quote the message, which may be anything.
func (e *MessageError) Error() string { return "read message: " + e.Problem }

// Hint says how a message looks.
func (e *MessageError) Hint() string {
	return `A message is a JSON object such as {"view": "bi.sales"}. ` +
		"One of a newer version needs newer functions: deploy the dispatcher after the refreshers."
}

// encode writes the message that asks for a view.
func encode(claim catalog.Claim, now time.Time) string {
	now, until := now.UTC().Truncate(time.Millisecond), claim.Until.UTC()
	text, err := json.Marshal(message{Version: messageVersion, View: claim.Name.String(), Sent: &now, Claim: &until})
	if err != nil {
		panic(err) // a number, a text and two times
	}
	return string(text)
}

// decode reads a message: its view, and its claim's end if it has one. It returns a *MessageError for what none is.
func decode(text []byte) (claim catalog.Claim, err error) {
	var m message
	decoder := json.NewDecoder(bytes.NewReader(text))
	if len(bytes.TrimSpace(text)) == 0 {
		return claim, &MessageError{"it is empty"}
	}
	if err := decoder.Decode(&m); err != nil {
		return claim, &MessageError{"it is no JSON object of a view"}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return claim, &MessageError{"there is something behind it"}
	}
	switch {
	case m.Version < 0 || m.Version > messageVersion:
		return claim, &MessageError{fmt.Sprintf("its version is %d, this program knows up to %d", m.Version, messageVersion)}
	case m.View == "":
		return claim, &MessageError{"it names no view"}
	case len(m.View) > longestName:
		return claim, &MessageError{fmt.Sprintf("the name of its view is %d bytes long", len(m.View))}
	}
	if claim.Name, err = catalog.ParseName(m.View); err != nil {
		return claim, &MessageError{err.Error()}
	}
	if m.Claim != nil {
		claim.Until = *m.Claim
	}
	return claim, nil
}
