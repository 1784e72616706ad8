// Package lambdatest runs the real binaries of functions as AWS Lambda does, without AWS.
//
// An [Environment] is what Lambda calls an execution environment: it starts the process with AWS_LAMBDA_RUNTIME_API,
// hands invocations to it by the Runtime API, each with its deadline, and kills it when a deadline is over. It stops
// the process between two invocations and lets it go on at the next, with SIGSTOP and SIGCONT: nothing that a function does in
// the background goes on, and its connections may be dead when it wakes. A process that has registered as an extension,
// as WithEnableSIGTERM makes it do, gets SIGTERM before its SIGKILL, others only the latter.
//
// A [Mapping] is Lambda's poller for a queue: it takes messages from SQS, invokes as many environments at once as it may, and
// deletes what was handled, by the rules for partial batch responses.
//
// [Metrics] reads what functions write in CloudWatch's embedded metric format, by the rules that AWS publishes.
//
// Left out, because nothing here depends on it: layers, external extensions, response streaming, concurrency in one
// process, and the pause that Lambda makes before it starts a process again that failed.
package lambdatest
