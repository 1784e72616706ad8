package doctor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/doctor"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/awssim"
)

// inAWS makes the cache an RDS instance, app, and the source a cluster, dw, as their host names say.
func inAWS(t *testing.T) (*bundle, *awssim.AWS, *awssim.Cluster) {
	t.Helper()
	b, aws := setup(t), awssim.Start(t)
	cluster := aws.Cluster("dw", b.source.Server)
	aws.Instance(instance)
	b.cfg.AWS, b.cfg.DatabaseHost = aws.Client(), "app.abc123."+awssim.Region+".rds.amazonaws.com"
	b.exec(t, `UPDATE redcache.link SET host = 'dw.abc123.`+awssim.Region+`.redshift.amazonaws.com', hostaddr = '127.0.0.1'`)
	return b, aws, cluster
}

var instance = cloud.Instance{ID: "app", Engine: "postgres", Status: "available", Zone: awssim.Region + "a", StorageGiB: 20}

func TestLinkZone(t *testing.T) {
	t.Parallel()
	b, aws, cluster := inAWS(t)
	zone := func(letter string) string { return awssim.Region + letter }
	b.wants(t, "link-zone", doctor.OK, "are both in "+zone("a"))
	if asked := aws.Count("rds:DescribeDBInstances"); asked != 1 {
		t.Errorf("the instance was asked for %d times, want once", asked)
	}
	cluster.Set(func(d *awssim.Description) { d.Zone = zone("b") })
	b.wants(t, "link-zone", doctor.Warning, "Redshift is in "+zone("b")+" and PostgreSQL in "+zone("a"),
		"from a snapshot")
	cluster.Set(func(d *awssim.Description) {
		d.Relocate = true
		d.Interfaces = interfaces("10.0.1.1", zone("b"), "10.0.0.1", zone("a"))
	})
	b.wants(t, "link-zone", doctor.Warning, "--address private --zone "+zone("a"))
	b.exec(t, `UPDATE redcache.link SET hostaddr = '10.0.0.1'`)
	b.wants(t, "link-zone", doctor.OK)

	aws.Deny("redshift:DescribeClusters")
	b.wants(t, "link-zone", doctor.Unknown, "redshift:DescribeClusters", "Allow redshift:DescribeClusters")
	b.exec(t, `UPDATE redcache.link SET host = 'dw.example.com'`)
	b.wants(t, "link-zone", doctor.Unknown, "cannot be told from the link")
}

func TestLinkZone_OfAWorkgroup(t *testing.T) {
	t.Parallel()
	b, aws, _ := inAWS(t)
	group := aws.Workgroup("bi", b.source.Server)
	b.exec(t, `UPDATE redcache.link SET host = 'bi.123456789012.`+awssim.Region+`.redshift-serverless.amazonaws.com'`)
	b.wants(t, "link-zone", doctor.OK)
	group.Set(func(d *awssim.Description) { d.Interfaces = interfaces("127.0.0.1", awssim.Region+"c") })
	b.wants(t, "link-zone", doctor.Warning, "Redshift is in "+awssim.Region+"c")
}

// On a machine that knows nothing of AWS, what only AWS could tell is unknown, and no other check suffers.
func TestLinkZone_WithoutAWS(t *testing.T) {
	t.Parallel()
	b, _, _ := inAWS(t)
	b.cfg.AWS = nil
	checks := b.examine(t)
	wants(t, checks, "link-zone", doctor.Unknown, "AWS is not asked", "Give this process a region")
	wants(t, checks, "storage", doctor.Unknown, "is not known here", "FreeStorageSpace")
	for _, c := range checks {
		if c.Result == doctor.Failed {
			t.Errorf("%s has failed: %s", c.ID, c.Finding)
		}
	}
}

func TestLinkAddress_ThatIsLookedUp(t *testing.T) {
	t.Parallel()
	b, aws, cluster := inAWS(t)
	b.exec(t, `UPDATE redcache.link SET address = 'private', cluster = 'dw', region = '`+awssim.Region+`'`)
	b.wants(t, "link-address", doctor.Warning, "was never looked up")
	b.exec(t, `UPDATE redcache.link_state SET resolved_at = now() - interval '2 minutes'`)
	b.wants(t, "link-address", doctor.OK, "its private address is 127.0.0.1, looked up 2m", "AWS says the same")
	cluster.Set(func(d *awssim.Description) { d.Relocate, d.Interfaces = true, interfaces("10.0.0.9", d.Zone) })
	b.wants(t, "link-address", doctor.Warning, "AWS now says 10.0.0.9")
	aws.Deny("redshift:DescribeClusters")
	b.wants(t, "link-address", doctor.Unknown, "could not be asked", "Allow redshift:DescribeClusters")
}

func TestLinkReach_SaysWhatAWSSays(t *testing.T) {
	t.Parallel()
	b, _, cluster := inAWS(t)
	b.source.Pause()
	cluster.Set(func(d *awssim.Description) { d.Status = "paused" })
	b.wants(t, "link-reach", doctor.Failed, "AWS says that it is paused")
}

func TestStorage(t *testing.T) {
	t.Parallel()
	b, aws, _ := inAWS(t)
	b.add(t, "sales", nil)
	b.add(t, "more", func(v *catalog.View) { v.Indexes = []string{"net"} })
	b.wants(t, "storage", doctor.OK, "largest: bi.more", "of 20.0 GiB")
	aurora := instance
	aurora.Engine, aurora.StorageGiB = "aurora-postgresql", 1
	aws.Instance(aurora)
	b.wants(t, "storage", doctor.OK, "grows by itself")

	// A file with a hole: PostgreSQL counts it with the database, and the disk does not have it.
	oid := strings.Trim(row(t, b.admin, `SELECT oid FROM pg_database WHERE datname = current_database()`), "()")
	file := filepath.Join(b.cluster.Dir, "data", "base", oid, "hole")
	hole(t, file, 19<<30)
	aws.Instance(instance)
	b.wants(t, "storage", doctor.Warning, "less than a tenth")
	hole(t, file, 21<<30)
	b.wants(t, "storage", doctor.Failed, "they need", "MaxAllocatedStorage")
	growing := instance
	growing.MaxStorageGiB = 100
	aws.Instance(growing)
	b.wants(t, "storage", doctor.OK)
	aws.Deny("rds:DescribeDBInstances")
	b.wants(t, "storage", doctor.Unknown, "rds:DescribeDBInstances", "FreeStorageSpace")
}

func hole(t *testing.T, file string, size int64) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(fmt.Errorf("make a hole: %w", err))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// interfaces makes a list of addresses and zones in turn.
func interfaces(list ...string) []awssim.Interface {
	var all []awssim.Interface
	for i := 0; i < len(list); i += 2 {
		all = append(all, awssim.Interface{Address: list[i], Zone: list[i+1]})
	}
	return all
}
