package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/refresh"
	"github.com/redcache/redcache/schedule"
)

// work refreshes what is due until ctx ends.
func work(ctx context.Context, stderr io.Writer) error {
	var cfg config
	if err := infra.Load(prefix, &cfg, foreign...); err != nil {
		return err
	}
	log, err := infra.NewLogger(stderr, cfg.LogFormat, cfg.LogLevel)
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "worker starts", infra.KeyVersion, infra.Version(), infra.Settings(prefix, &cfg))
	aws := cloud.New()
	pool, err := open(ctx, cfg, aws, log)
	if err != nil && ctx.Err() != nil {
		return nil // stopped before there was anything to do
	}
	if err != nil {
		return err
	}
	defer infra.ClosePool(pool)
	runner := refresh.NewRunner(pool, refresh.Config{
		Origin: "worker", Log: log, KeepRuns: cfg.KeepRuns, SwitchPatience: cfg.SwitchPatience, ModifiedLag: cfg.ModifiedLag,
		Links: access.NewKeeper(pool, aws, access.Config{Log: log}),
	})
	loop, err := schedule.New(catalog.In(pool), runner, schedule.Config{
		Concurrency: cfg.Concurrency, PerLink: cfg.PerLink, Poll: cfg.Poll, StopGrace: cfg.StopGrace, Log: log,
		CleanUp: runner.CleanUp,
	})
	if err != nil {
		return err
	}
	closeHealth, err := serveHealth(ctx, cfg.HealthAddr, loop, log)
	if err != nil {
		return err
	}
	defer closeHealth()
	err = loop.Run(ctx)
	log.InfoContext(ctx, "worker stopped")
	return err
}

// open opens the pool on a catalog that is ready. As long as the database is out of reach it tries again: it may be
// starting, or failing over. What trying does not mend is an error.
func open(ctx context.Context, cfg config, aws *cloud.Client, log *slog.Logger) (*pgxpool.Pool, error) {
	backoff := infra.Backoff{Max: 5 * time.Second}
	for n := 1; ; n++ {
		pool, err := openReady(ctx, cfg, aws)
		if err == nil || permanent(err) {
			return pool, err
		}
		if ctx.Err() == nil {
			log.WarnContext(ctx, "cache database is out of reach, trying again", infra.KeyAttempt, n,
				infra.KeyError, infra.Message(err), infra.KeyHint, infra.Hint(err))
		}
		if err := backoff.Wait(ctx, n); err != nil {
			return nil, err
		}
	}
}

func openReady(ctx context.Context, cfg config, aws *cloud.Client) (*pgxpool.Pool, error) {
	pool, err := cloud.OpenPool(ctx, cfg.DatabaseConfig, aws)
	if err != nil {
		return nil, err
	}
	if err := catalog.In(pool).Ready(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("use database %s: %w", pool.Config().ConnConfig.Database, err)
	}
	return pool, nil
}

// permanent says whether somebody has to change something before the database can be used.
func permanent(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		// Connection exceptions, too few resources, and an operator's intervention pass.
		passing := []string{"08", "53", "57"}
		for _, class := range passing {
			if strings.HasPrefix(refused.Code, class) {
				return false
			}
		}
		return true
	}
	if failed, ok := errors.AsType[*cloud.Error](err); ok {
		return !failed.Passing()
	}
	var badCertificate *tls.CertificateVerificationError
	var unknownAuthority x509.UnknownAuthorityError
	return catalog.Unfit(err) || errors.As(err, &badCertificate) || errors.As(err, &unknownAuthority)
}
