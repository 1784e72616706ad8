package refresh_test

import (
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh"
)

// Rows that have lost their watermark take a second look at the source. What is committed between the two is there as a
// whole, or not yet.
func TestIncremental_BothLooksSeeOneMoment(t *testing.T) {
	t.Parallel()
	for _, transport := range bothTransports {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			b, v := twoLooks(t, transport,
				"UPDATE public.log SET note = 'B', at = CASE id WHEN 1 THEN timestamp '2026-01-03' END WHERE id IN (1, 2)")
			b.wantEqual(t, v)
		})
	}
}

// What the first look saw is gone when the second one begins: nothing of it stays, as it was never there without the rows
// that the second look was to bring.
func TestIncremental_OfTwoLooksTheFirstLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, transport := range bothTransports {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			b, v := twoLooks(t, transport, "DELETE FROM public.log WHERE note = 'A'")
			got := rows(t, b.readers, "SELECT id, note FROM "+v.Name.SQL())
			if want := []string{`"1" "old" `, `"2" "old" `, `"3" "old" `}; !slices.Equal(got, want) {
				t.Errorf("readers see %q, want %q: half of a transaction was written", got, want)
			}
		})
	}
}

// twoLooks refreshes a view of three rows of which one has lost its watermark, in the transaction that has changed another
// one and brought a fourth, and changes the source between the looks.
func twoLooks(t *testing.T, transport catalog.Transport, between string) (*bundle, catalog.View) {
	t.Helper()
	b := setup(t, "CREATE TABLE public.log (id integer, note varchar(9), at timestamp)",
		"INSERT INTO public.log SELECT i, 'old', timestamp '2026-01-01' + i * interval '1 hour' FROM generate_series(1, 3) i")
	liar := redshiftsim.LiarFor(t, b.source)
	link := b.link
	link.Name, link.Port, link.SSLMode, link.SSLRootCert = "liar", liar.Port(), "disable", ""
	link, err := access.CreateLink(t.Context(), b.pool, link, access.Login{Password: redshiftsim.Password})
	if err != nil {
		t.Fatal(err)
	}
	v := b.view("log", "SELECT id, note, at FROM public.log", catalog.Incremental)
	v.LinkName, v.Key, v.Watermark, v.Lookback, v.Transport = link.Name, []string{"id"}, "at", "1s", transport
	b.add(t, v)
	b.change(t, "UPDATE public.log SET note = 'A', at = NULL WHERE id = 1; UPDATE public.log SET note = 'A', at = '2026-01-02' WHERE id = 2; "+
		"INSERT INTO public.log VALUES (4, 'A', '2026-01-02')")
	var once sync.Once
	liar.Lie(">= '", 'C', func(w io.Writer, message []byte) error { // when all rows past the watermark have been read
		once.Do(func() { b.change(t, between) })
		_, err := w.Write(message)
		return err
	})
	b.refresh(t, refresh.Request{View: v.Name})
	if liar.Told() == 0 {
		t.Fatal("nothing was committed between the looks")
	}
	return b, v
}

// Views of a group are read in one snapshot, and so is what one of them has to look at twice: it begins none of its own.
func TestIncremental_LooksTwiceInTheSnapshotOfItsGroup(t *testing.T) {
	t.Parallel()
	for _, transport := range bothTransports {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			views := b.group(t, transport, catalog.Incremental, catalog.Incremental)
			b.change(t, "UPDATE public.t0 SET age = 1, at = NULL WHERE id = 1; UPDATE public.t0 SET at = '2026-01-02' WHERE id = 2")
			before := len(b.source.Statements())
			b.refresh(t, refresh.Request{View: views[0].Name})
			b.wantEqual(t, views[0])
			var snapshots []string
			for _, s := range b.source.Statements()[before:] {
				if strings.HasPrefix(s.SQL, "BEGIN") || s.SQL == redshift.EndSnapshot {
					snapshots = append(snapshots, s.SQL)
				}
			}
			if want := []string{redshift.BeginSnapshot, redshift.EndSnapshot}; !slices.Equal(snapshots, want) {
				t.Errorf("the source was asked for %q, want %q", snapshots, want)
			}
		})
	}
}
