package access

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
)

// AWS is what a Keeper asks; *[cloud.Client] answers. All of it fails with a *[cloud.Error].
type AWS interface {
	ClusterLogin(ctx context.Context, region, cluster, user, database string) (cloud.Login, error)
	ClusterIAMLogin(ctx context.Context, region, cluster, database string) (cloud.Login, error)
	WorkgroupLogin(ctx context.Context, region, workgroup, database string) (cloud.Login, error)
	Secret(ctx context.Context, region, arn string) (cloud.Secret, error)
	Cluster(ctx context.Context, region, id string) (cloud.Endpoint, error)
	Workgroup(ctx context.Context, region, name string) (cloud.Endpoint, error)
}

// Config says how a Keeper behaves. The zero value is usable.
type Config struct {
	Log    *slog.Logger  // default: none
	Margin time.Duration // a password that ends sooner is renewed; default 5 min
	MaxAge time.Duration // an address that was looked up longer ago is looked up again; default 1 min
	Ask    time.Duration // limit of asking AWS for one thing, all attempts included; default 10 s
	Rest   time.Duration // how long a link rests whose cluster needs somebody to do something; default 1 min
	// Poll is how often a cluster is looked at that comes back by itself; default every 2 s at first, every 10 s later.
	Poll     infra.Backoff
	Patience time.Duration // how long a refresh waits for such a cluster; default 2 min
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Margin = cmp.Or(max(c.Margin, 0), 5*time.Minute)
	c.MaxAge = cmp.Or(max(c.MaxAge, 0), time.Minute)
	c.Ask = cmp.Or(max(c.Ask, 0), 10*time.Second)
	c.Rest = cmp.Or(max(c.Rest, 0), time.Minute)
	c.Poll.Base = cmp.Or(max(c.Poll.Base, 0), 2*time.Second)
	c.Poll.Max = cmp.Or(max(c.Poll.Max, 0), 10*time.Second)
	c.Patience = cmp.Or(max(c.Patience, 0), 2*time.Minute)
	return c
}
