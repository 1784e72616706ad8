package lock_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/lock"
)

func TestList_ShowsHoldersAndWaiters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	viewHolder, waiter, slotHolder := b.begin(t, "refresh"), b.begin(t, "waiter"), b.begin(t, "transfer")
	lockView(t, viewHolder, math.MaxInt32)
	slot := lockSlot(t, slotHolder, 5, lock.MaxSlots)
	lockView(t, slotHolder, 2)
	if taken, err := lock.Set(t.Context(), viewHolder, 3, 0); err != nil || !taken {
		t.Fatalf("lock a set: %v, %v", taken, err)
	}
	waiterPID := pidOf(waiter)
	result := make(chan error, 1)
	go func() { result <- lock.View(t.Context(), waiter, math.MaxInt32, patience) }()

	got := b.awaitLocks(t, "the waiter", waiting)

	type row struct {
		Kind        string
		ID          int32
		Slot        int
		Waiting     bool
		PID         int
		Application string
	}
	var rows []row
	for _, h := range got {
		rows = append(rows, row{h.Kind, h.ID, h.Slot, h.Waiting, h.PID, h.Application})
	}
	want := []row{
		{lock.KindView, 2, 0, false, pidOf(slotHolder), "transfer"},
		{lock.KindView, math.MaxInt32, 0, false, pidOf(viewHolder), "refresh"},
		{lock.KindView, math.MaxInt32, 0, true, waiterPID, "waiter"},
		{lock.KindLink, 5, slot, false, pidOf(slotHolder), "transfer"},
		{lock.KindSet, 3, 0, false, pidOf(viewHolder), "refresh"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("locks (-want +got):\n%s", diff)
	}
	rollback(t, viewHolder)
	if err := <-result; err != nil {
		t.Errorf("View: %v", err)
	}
}

// Views, slots and other people's locks with the same numbers do not meet.
func TestKeys_DoNotCollide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stranger := b.begin(t, "stranger")
	for _, take := range []string{
		`SELECT pg_advisory_xact_lock(i) FROM generate_series(0, 200) AS i`,
		`SELECT pg_advisory_xact_lock('redcache.view'::regclass::bigint << 32 | i) FROM generate_series(0, 200) AS i`,
		`SELECT pg_advisory_xact_lock('redcache.link'::regclass::bigint << 32 | i) FROM generate_series(0, 200) AS i`,
		`CREATE TABLE redcache.theirs (id integer)`,
		`SELECT pg_advisory_xact_lock('redcache.theirs'::regclass::int, i) FROM generate_series(0, 200) AS i`,
	} {
		if _, err := stranger.Exec(t.Context(), take); err != nil {
			t.Fatalf("%s: %v", take, err)
		}
	}
	views, slots := b.begin(t, "views"), b.begin(t, "slots")
	for id := range int32(200) {
		lockView(t, views, id)
	}
	for id := range int32(3) {
		lockSlot(t, slots, id, 1) // 0, 64 and 128: the numbers of views, too
	}
	got, err := lock.List(t.Context(), b.pool)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 200+3 {
		t.Errorf("%d locks are listed, want 203, ours only", len(got))
	}
}

// A list shows the locks of its own database, though pg_locks shows those of all, and keys may well be equal there.
func TestList_OfThisDatabaseOnly(t *testing.T) {
	t.Parallel()
	here, there := setup(t), setup(t)
	lockView(t, here.begin(t, "here"), 7)
	var class int32
	err := here.pool.QueryRow(t.Context(), `SELECT 'redcache.view'::regclass`+lock.ToInteger).Scan(&class)
	if err != nil {
		t.Fatalf("read the key: %v", err)
	}
	_, err = there.begin(t, "there").Exec(t.Context(), `SELECT pg_advisory_xact_lock($1, 7)`, class)
	if err != nil {
		t.Fatalf("lock in the other database: %v", err)
	}

	got, err := lock.List(t.Context(), here.pool)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Application != "here" {
		t.Errorf("got %+v, want the lock of this database", got)
	}
}

func TestKeys_HoldAnyOID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for oid, want := range map[string]int32{
		"'1'":          1,
		"'2147483647'": math.MaxInt32,
		"'2147483648'": math.MinInt32,
		"'4294967295'": -1,
	} {
		var got int32
		var same bool
		tx := b.begin(t, "holder")
		err := tx.QueryRow(t.Context(), `SELECT `+oid+lock.ToInteger).Scan(&got)
		if err != nil || got != want {
			t.Errorf("OID %s becomes %d, %v; want %d", oid, got, err, want)
		}
		// pg_locks shows the key as the OID that it was.
		if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(`+oid+lock.ToInteger+`, 7)`); err != nil {
			t.Fatalf("lock OID %s: %v", oid, err)
		}
		err = tx.QueryRow(t.Context(), `SELECT classid = `+oid+`::oid AND objid = 7 AND objsubid = 2
			FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'`).Scan(&same)
		if err != nil || !same {
			t.Errorf("OID %s is listed as itself: %v, %v", oid, same, err)
		}
		rollback(t, tx)
	}
}

func TestHolder_ReadsLikeASentence(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 2, 12, 3, 4, 0, time.FixedZone("", 3600))
	for _, tt := range []struct {
		holder lock.Holder
		want   string
	}{
		{
			lock.Holder{PID: 123, Application: "redcache worker host-a", User: "u", Since: since},
			"pid 123 (redcache worker host-a) since 11:03:04 UTC",
		},
		{lock.Holder{PID: 123, User: "somebody"}, "pid 123 (user somebody)"},
		{lock.Holder{PID: 123}, "pid 123"},
		{lock.Holder{}, "a prepared transaction"},
	} {
		if got := tt.holder.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
