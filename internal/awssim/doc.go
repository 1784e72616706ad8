// Package awssim is a double of the calls to AWS, for tests and the demo only.
//
// It is one HTTP server on 127.0.0.1 that speaks what the SDK speaks: the query protocol for Redshift and RDS, JSON for
// Redshift Serverless, Secrets Manager and SQS. A process finds it by AWS_ENDPOINT_URL, see [AWS.Env]; a test in its own
// process by [AWS.Client]. It refuses what AWS documents as refused: unsigned requests, a wrong key, durations and names
// outside of their limits, clusters of another region.
//
// The hard idea is that nothing of what it says is only said. A password that it issues logs in to the stand-in for
// Redshift that the cluster was tied to, until it expires; the address that it reports is where that stand-in listens at
// the moment; a message of a queue comes back when it was not deleted in time, and ends in the dead-letter queue when it
// came too often; and a token for RDS opens a session of a [Database], and nothing else does.
//
//	a := awssim.Start(t)
//	cluster := a.Cluster("prod", warehouse.Server)
//	client := a.Client()                     // or cmd.Env = append(cmd.Env, a.Env()...)
//	cluster.Set(func(d *awssim.Description) { d.Status = "paused" })
//	a.Deny("redshift:GetClusterCredentials")
//	a.Count("redshift:GetClusterCredentials") // how often it was asked
//
// Not imitated: policies and accounts, paging, and everything of the services that this product does not call.
package awssim
