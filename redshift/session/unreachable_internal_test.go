package session

import (
	"errors"
	"strings"
	"testing"
)

// A server without TLS: what was tried is not advised again.
func TestDiagnose_AdvisesNotWhatWasTried(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"require", "verify-ca", "verify-full"} {
		hint, cause := diagnose(Config{SSLMode: mode}, errors.New("server refused TLS connection"))
		if strings.Contains(hint, "sslmode=require") || !strings.Contains(hint, mode) || !strings.Contains(hint, "check host and port") {
			t.Errorf("%s: %v, hint %q", mode, cause, hint)
		}
	}
}
