// Package infra is the outside world: configuration, the pool, transactions, logs, retries, the version.
package infra
