package access

import (
	"context"
	"log/slog"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/plan"
)

// PlanProvision returns the statements that [Keeper.Provision] would run in the cache database, and changes nothing. AWS is
// not asked: what only AWS or a secret tell is not in them. It fails where Provision would before that.
func (k *Keeper) PlanProvision(ctx context.Context, l catalog.Link, password string) ([]plan.Step, error) {
	return k.rehearse(ctx, func(k *Keeper) error {
		_, err := k.Provision(ctx, l, password)
		return err
	})
}

// PlanRotate returns the statements that [Keeper.Rotate] would run, and changes nothing.
func (k *Keeper) PlanRotate(ctx context.Context, l catalog.Link, password string) ([]plan.Step, error) {
	return k.rehearse(ctx, func(k *Keeper) error { return k.Rotate(ctx, l, password) })
}

// rehearse has fn run with a Keeper that works in a rehearsal and asks nobody.
func (k *Keeper) rehearse(ctx context.Context, fn func(*Keeper) error) ([]plan.Step, error) {
	cfg := k.cfg
	cfg.Log = slog.New(slog.DiscardHandler)
	return plan.Rehearse(ctx, k.db, infra.Limits{}, func(r *plan.Rehearsal) error { return fn(NewKeeper(r, unasked{}, cfg)) })
}

// unasked tells nothing: all of it stays open.
type unasked struct{}

func (unasked) ClusterLogin(context.Context, string, string, string, string) (cloud.Login, error) {
	return cloud.Login{}, nil
}

func (unasked) ClusterIAMLogin(context.Context, string, string, string) (cloud.Login, error) {
	return cloud.Login{}, nil
}

func (unasked) WorkgroupLogin(context.Context, string, string, string) (cloud.Login, error) {
	return cloud.Login{}, nil
}

func (unasked) Secret(context.Context, string, string) (cloud.Secret, error) {
	return cloud.Secret{}, nil
}

func (unasked) Cluster(context.Context, string, string) (cloud.Endpoint, error) { return anywhere, nil }

func (unasked) Workgroup(context.Context, string, string) (cloud.Endpoint, error) {
	return anywhere, nil
}

var anywhere = cloud.Endpoint{State: cloud.Available, Private: []cloud.Interface{{}}}
