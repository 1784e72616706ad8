package session_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// A cluster that goes away closes connections at whichever step they are.
func TestOpen_MeetsAnEndInTheMidst(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	steps := make(chan string, 3)
	go func() {
		for answer := range steps {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(conn, make([]byte, 8)) // the request for TLS
			_, _ = io.WriteString(conn, answer)       // the client has to make do with it
			if answer == "S" {
				header := make([]byte, 5)
				_, _ = io.ReadFull(conn, header) // of the first message of TLS; what is left unread would cause a reset
				_, _ = io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint16(header[3:])))
			}
			_ = conn.Close()
		}
	}()
	defer close(steps)
	c := session.Config{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Database: "dev", User: "u", Password: "p"}
	for _, answer := range []string{"", "S"} {
		steps <- answer
		_, err := session.Open(t.Context(), c)
		if !session.Unreachable(err) || redshift.Classify(err) != redshift.Reconnect {
			t.Errorf("after %q: unreachable %v, class %v: %v", answer, session.Unreachable(err), redshift.Classify(err), err)
		}
	}
}
