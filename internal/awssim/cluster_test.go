package awssim_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// login opens a session with what AWS gave, and closes it.
func login(t *testing.T, w *redshiftsim.Warehouse, as cloud.Login) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.URL(w.Name, as.User, as.Password))
	if err != nil {
		return err
	}
	return conn.Close(t.Context())
}

func TestAWS_IssuesPasswordsThatLogInUntilTheyEnd(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	a := awssim.Start(t)
	a.Cluster("prod", warehouse.Server)
	a.Workgroup("bi-group", warehouse.Server)
	client := a.Client()
	const life = 700 * time.Millisecond
	for name, ask := range map[string]func() (cloud.Login, error){
		"IAM:cache_ro": func() (cloud.Login, error) {
			return client.ClusterLogin(t.Context(), "", "prod", redshiftsim.User, "dev")
		},
		"IAMR:cache_ro": func() (cloud.Login, error) { return client.ClusterIAMLogin(t.Context(), "", "prod", "dev") },
		"IAMR:cache_ro ": func() (cloud.Login, error) {
			return client.WorkgroupLogin(t.Context(), "", "bi-group", "dev")
		},
	} {
		a.Lifetime(0)
		long, err := ask()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if left := time.Until(long.Expires); left < 59*time.Minute || left > time.Hour {
			t.Errorf("%s: %s left, want an hour", name, left)
		}
		a.Lifetime(life)
		short, err := ask()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if long.User != name[:len(long.User)] || short.Password == long.Password {
			t.Errorf("%s: got user %q, and the same password twice: %t", name, long.User, short.Password == long.Password)
		}
		if err := login(t, warehouse, short); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		<-time.After(time.Until(short.Expires))
		if login(t, warehouse, short) == nil {
			t.Errorf("%s: a password logs in after its end", name)
		}
		if err := login(t, warehouse, long); err != nil {
			t.Errorf("%s: the other password ended as well: %v", name, err)
		}
	}
	if n := len(a.Issued()); n != 6 {
		t.Errorf("%d passwords are noted, want 6", n)
	}
}

// AWS gives a password for a login that does not exist, unless it is asked to make the login.
func TestAWS_IssuesUselessPasswordsForUnknownUsers(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	a := awssim.Start(t)
	a.Cluster("prod", warehouse.Server)
	got, err := a.Client().ClusterLogin(t.Context(), "", "prod", "nobody", "dev")
	if err != nil {
		t.Fatal(err)
	}
	if login(t, warehouse, got) == nil {
		t.Error("nobody logged in")
	}
}

func TestAWS_SaysWhereTheStandInListens(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	a := awssim.Start(t)
	cluster := a.Cluster("prod", warehouse.Server)
	client := a.Client()
	if err := warehouse.MoveTo(t.Context(), "127.0.0.2"); err != nil {
		t.Fatal(err)
	}
	got, err := client.Cluster(t.Context(), "", "prod")
	if err != nil || len(got.Private) != 1 || got.Private[0].Address != "127.0.0.2" || got.Port != warehouse.Port() {
		t.Errorf("got %+v, %v", got, err)
	}
	cluster.Set(func(d *awssim.Description) { d.Status = "paused" })
	if got, err = client.Cluster(t.Context(), "", "prod"); err != nil || got.State != cloud.Stopped {
		t.Errorf("got %+v, %v; want a stopped cluster", got, err)
	}
}
