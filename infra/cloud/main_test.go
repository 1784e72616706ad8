package cloud_test

import (
	"testing"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is a cluster and a workgroup on one stand-in, and a client that knows of them.
type bundle struct {
	aws       *awssim.AWS
	cluster   *awssim.Cluster
	workgroup *awssim.Cluster
	client    *cloud.Client
}

func setup(t *testing.T) *bundle {
	t.Helper()
	source := redshiftsim.For(t)
	a := awssim.Start(t)
	return &bundle{
		aws: a, cluster: a.Cluster("prod", source.Server), workgroup: a.Workgroup("bi-group", source.Server), client: a.Client(),
	}
}

func hint(err error) string { return infra.Hint(err) }
