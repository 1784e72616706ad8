package access_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
)

// A password that ends soon is renewed before it is used; while it is good nobody is asked.
func TestReady_RenewsWithinTheMargin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.link())
	for _, tt := range []struct {
		left  time.Duration
		asked int
	}{{time.Hour, 1}, {6 * time.Minute, 1}, {4 * time.Minute, 2}, {-time.Minute, 3}} {
		b.age(t, tt.left)
		if err := b.keeper.Ready(t.Context(), l); err != nil {
			t.Fatalf("%s left: %v", tt.left, err)
		}
		b.wantAsked(t, getCredentials, tt.asked)
		b.wantWorks(t, l)
	}
	// A life that is shorter than the margin would otherwise mean to ask each time.
	b.exec(t, `UPDATE redcache.link_state SET renewed_at = clock_timestamp(), expires_at = clock_timestamp() + interval '1 minute'`)
	if err := b.keeper.Ready(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	b.wantAsked(t, getCredentials, 3)
}

// However many processes need a new password at once, AWS is asked for one, and sessions that are open go on.
func TestReady_AsksOnceForAll(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.link())
	_, old := b.mapping(t, l)
	open, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer open.Rollback(t.Context())
	session, err := dblink.Open(t.Context(), open, l.Server().Name, redshift.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	b.age(t, time.Minute)
	b.aws.Delay(50 * time.Millisecond)
	var all sync.WaitGroup
	for range 12 {
		keeper := b.another(t, quick)
		for range 3 {
			all.Go(func() {
				if err := keeper.Ready(t.Context(), l); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	b.wantAsked(t, getCredentials, 2)
	if _, now := b.mapping(t, l); now == old {
		t.Error("the password is the old one")
	}
	b.source.ExpirePassword("IAM:" + redshiftsim.User)
	if _, err := session.Row(t.Context(), "SELECT 1", 1); err != nil {
		t.Errorf("the open session: %v", err)
	}
}

// When the process that renews dies, the next one does it; nothing of the first is left.
func TestReady_GoesOnWhenTheHolderDies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.link())
	b.age(t, -time.Minute)
	b.aws.Delay(time.Minute)
	doomed, survivor := b.another(t, quick), b.another(t, quick)
	first, second := make(chan error, 1), make(chan error, 1)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	go func() { first <- doomed.Ready(ctx, l) }()
	holder := func(ctx context.Context) (pid int) {
		held, err := lock.List(ctx, b.pool)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range held {
			if h.Kind == lock.KindLogin && h.ID == l.ID && !h.Waiting {
				pid = h.PID
			}
		}
		return pid
	}
	eventually(t, "somebody renews", func(ctx context.Context) bool { return holder(ctx) != 0 && b.aws.Count(getCredentials) == 2 })
	go func() { second <- survivor.Ready(t.Context(), l) }()
	eventually(t, "somebody waits", func(ctx context.Context) bool {
		held, err := lock.List(ctx, b.pool)
		return err == nil && len(held) == 2
	})
	b.aws.Delay(0)
	b.exec(t, `SELECT pg_terminate_backend($1)`, holder(t.Context()))
	if err := <-second; err != nil {
		t.Errorf("the survivor: %v", err)
	}
	kill()
	if err := <-first; err == nil {
		t.Error("the dead one has renewed the login")
	}
	b.wantAsked(t, getCredentials, 3)
	b.wantWorks(t, l)
}

// While the password is good, a failure of AWS is worth a line in the log, and no more questions for a while. Once it
// has ended there is no way around AWS, and the error says what is wrong there.
func TestReady_OutlivesAWS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		fail func(b *bundle)
		want string
		kind cloud.Kind
	}{
		{"denied", func(b *bundle) { b.aws.Deny(getCredentials) }, "access denied", cloud.Denied},
		{"throttled", func(b *bundle) { b.aws.Throttle(getCredentials, 1000) }, "throttled", cloud.Throttled},
		{"out of reach", func(b *bundle) { b.aws.Close() }, "out of reach", cloud.Unreachable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			l := b.provision(t, b.link())
			tt.fail(b)
			b.age(t, time.Minute)
			if err := b.keeper.Ready(t.Context(), l); err != nil {
				t.Errorf("with a good password: %v", err)
			}
			if said := b.log.String(); !strings.Contains(said, "level=WARN") || !strings.Contains(said, tt.want) {
				t.Errorf("logged: %s", said)
			}
			asked := b.aws.Count(getCredentials)
			if err := b.keeper.Ready(t.Context(), l); err != nil {
				t.Errorf("again: %v", err)
			}
			b.wantAsked(t, getCredentials, asked)
			b.age(t, -time.Second)
			err := b.keeper.Ready(t.Context(), l)
			failed, ok := errors.AsType[*cloud.Error](err)
			if !ok || failed.Kind != tt.kind || !strings.Contains(err.Error(), "renew login of link dw: "+getCredentials) ||
				infra.Hint(err) == "" {
				t.Errorf("with an expired one: %v\nhint: %s", err, infra.Hint(err))
			}
		})
	}
}

// A link that AWS has nothing to do with costs nothing at all.
func TestReady_LeavesOtherLinksAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.link()
	l.Credentials, l.Host, l.Port, l.Cluster = catalog.PasswordCredentials, b.source.Host(), b.source.Port(), ""
	l = b.provision(t, l)
	b.pool.Close()
	gone := b.another(t, quick)
	if err := gone.Ready(t.Context(), l); err != nil {
		t.Error(err)
	}
	if calls := b.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS was asked: %v", calls)
	}
}

// A refused login is renewed by the first who says so; for the others it is done.
func TestRepair_RenewsARefusedLoginOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.link())
	since := b.state(t, l).Now
	b.source.ExpirePassword("IAM:" + redshiftsim.User)
	refused := b.try(t, l)
	if redshift.Classify(refused) != redshift.Credentials {
		t.Fatalf("got %v, want a refused login", refused)
	}
	var all sync.WaitGroup
	for range 8 {
		keeper := b.another(t, quick)
		all.Go(func() {
			if again, err := keeper.Repair(t.Context(), l, since, refused); !again || err != nil {
				t.Errorf("Repair: %v, %v", again, err)
			}
		})
	}
	all.Wait()
	b.wantAsked(t, getCredentials, 2)
	b.wantWorks(t, l)

	b.aws.Deny(getCredentials)
	again, err := b.keeper.Repair(t.Context(), l, b.state(t, l).Now, refused)
	if again || err == nil || !strings.Contains(err.Error(), "was refused") || !strings.Contains(err.Error(), "access denied") {
		t.Errorf("without permission: %v, %v", again, err)
	}
}

// A secret says nothing of its end: it is read again when its login is refused, and there is no point in another try
// when it still has what was refused.
func TestRepair_ReadsARotatedSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.link()
	l.Credentials, l.User, l.Cluster, l.Secret = catalog.SecretCredentials, "", "", b.secret(redshiftsim.Password)
	l = b.provision(t, l)
	if l.Host != "localhost" || l.Port != b.source.Port() {
		t.Errorf("the secret leads to %s:%d", l.Host, l.Port)
	}
	b.age(t, time.Hour)
	b.exec(t, `UPDATE redcache.link_state SET expires_at = NULL`)
	since := b.state(t, l).Now
	b.source.SetPassword(redshiftsim.User, "rotated")
	refused := b.try(t, l)
	again, err := b.keeper.Repair(t.Context(), l, since, refused)
	if again || err == nil || !strings.Contains(err.Error(), "still has it") || infra.Hint(err) == "" {
		t.Errorf("with the old secret: %v, %v", again, err)
	}
	b.secret("rotated")
	if again, err = b.keeper.Repair(t.Context(), l, since, refused); !again || err != nil {
		t.Errorf("with the new secret: %v, %v", again, err)
	}
	b.wantWorks(t, l)
	b.wantAsked(t, getSecret, 3)
}

// A session that is no refresh's is opened with a login that is renewed when it has to be, in a transaction that may
// read only.
func TestOpen_RenewsOnTheWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.link())
	open := func() error {
		return infra.InTx(t.Context(), b.pool, infra.Limits{}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `SET TRANSACTION READ ONLY`); err != nil {
				return err
			}
			session, err := b.keeper.Open(t.Context(), tx, l, redshift.Settings{})
			if err != nil {
				return err
			}
			return session.Close(t.Context())
		})
	}
	b.age(t, -time.Minute)
	b.source.ExpirePassword("IAM:" + redshiftsim.User)
	if err := open(); err != nil {
		t.Errorf("with an expired password: %v", err)
	}
	b.wantAsked(t, getCredentials, 2)
	b.source.ExpirePassword("IAM:" + redshiftsim.User)
	if err := open(); err != nil {
		t.Errorf("with a refused password: %v", err)
	}
	b.wantAsked(t, getCredentials, 3)
	b.cluster.Set(forget)
	b.source.ExpirePassword("IAM:" + redshiftsim.User)
	if err := open(); redshift.Classify(err) != redshift.Credentials {
		t.Errorf("with logins that do not work: %v", err)
	}
	b.wantAsked(t, getCredentials, 4)
}
