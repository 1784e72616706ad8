package dblink_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/pgtest"
)

// A server that has moved leads elsewhere and keeps everything else, also what an operator has set by hand.
func TestSetAddress_KeepsOtherOptions(t *testing.T) {
	t.Parallel()
	b := &linktest.Bundle{Cache: pgtest.New(t).Pool(t)}
	b.InTx(t, func(tx pgx.Tx) {
		if err := dblink.Create(t.Context(), tx, somewhere, "secret"); err != nil {
			t.Fatal(err)
		}
		linktest.Exec(t, tx, "ALTER SERVER dw OPTIONS (SET connect_timeout '3', ADD options '-c x=y')")
		want := maps.Clone(mustOptions(t, tx, "dw"))
		for i, to := range []struct {
			address string
			port    int
			moved   bool
		}{{"10.0.3.7", 5440, true}, {"10.0.3.7", 5440, false}, {"10.0.3.7", 5441, true}, {"fd00::7", 5441, true}} {
			moved, err := dblink.SetAddress(t.Context(), tx, "dw", to.address, to.port)
			if err != nil || moved != to.moved {
				t.Errorf("step %d: moved %v, %v, want %v", i, moved, err, to.moved)
			}
		}
		want["hostaddr"], want["port"] = "fd00::7", "5441"
		if diff := cmp.Diff(want, mustOptions(t, tx, "dw")); diff != "" {
			t.Errorf("options (-want +got):\n%s", diff)
		}
		if _, err := dblink.SetAddress(t.Context(), tx, "dw", "dw.example.com", 5439); err == nil {
			t.Error("a name is taken for an address")
		}
	})
}

func mustOptions(t *testing.T, q dblink.Querier, server string) map[string]string {
	t.Helper()
	options, err := dblink.Options(t.Context(), q, server)
	if err != nil {
		t.Fatal(err)
	}
	return options
}
