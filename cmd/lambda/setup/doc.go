// Package setup is what the two functions for AWS Lambda share: configuration, connections, logs, metrics, and an end
// in good order. cmd/lambda/dispatch looks for views that are due and sends a message for each; cmd/lambda/refresh
// refreshes what a message, or a person, asks for. Both do so by the same schedule and the same runner as the worker.
//
// The hard idea is that a function is frozen and thawed at any time between two invocations, and may never be told of its end. So
// connections are opened at the first invocation and kept as long as they last, nothing works in the background, and what
// an invocation began is over when it returns: when its deadline comes, before that (refresh.LateError), and when SIGTERM
// comes, by cancelling the work on both servers.
//
// # Environment
//
// Both: DATABASE_URL, REDCACHE_DATABASE_IAM, REDCACHE_DATABASE_SECRET, REDCACHE_APPLICATION, REDCACHE_MAX_CONNS,
// REDCACHE_CONNECT_TIMEOUT, REDCACHE_CACHE, REDCACHE_LOG_LEVEL. Dispatch: REDCACHE_QUEUE_URL (required),
// REDCACHE_CLAIM. Refresh: REDCACHE_QUEUE_URL, REDCACHE_SWITCH_PATIENCE, REDCACHE_MODIFIED_LAG, REDCACHE_KEEP_RUNS. The README lists them
// with their defaults. Any other variable that begins with REDCACHE_ is taken for a typo, and ends the function at its start.
//
// # Permissions
//
// Both: what AWSLambdaVPCAccessExecutionRole grants (logs, and network interfaces); rds-db:connect on the database user
// with REDCACHE_DATABASE_IAM; secretsmanager:GetSecretValue on the secret of REDCACHE_DATABASE_SECRET. Dispatch:
// sqs:SendMessage on the queue. Refresh, for its event source: sqs:ReceiveMessage, sqs:DeleteMessage and
// sqs:GetQueueAttributes on the queue; sqs:ChangeMessageVisibility on it with REDCACHE_QUEUE_URL; and for links whose login or address comes from AWS, whatever of these they use:
// redshift:GetClusterCredentials on the dbuser and dbname, redshift:GetClusterCredentialsWithIAM on the dbname,
// redshift:DescribeClusters, redshift-serverless:GetCredentials and redshift-serverless:GetWorkgroup on the workgroup,
// secretsmanager:GetSecretValue on the link's secret.
//
// # Queue
//
// Batches of one message, with ReportBatchItemFailures; a visibility timeout longer than the function's timeout; a
// dead-letter queue, where messages end up that cannot be understood or whose refresh could never begin. A message whose
// refresh could not begin is given back, to come again within a minute: otherwise a moment without the database would
// hide it for as long as the longest refresh takes.
package setup
