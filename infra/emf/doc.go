// Package emf writes metrics as lines of a log, in CloudWatch's embedded metric format.
//
// The hard idea is that nobody is called. A Lambda's standard output goes to CloudWatch Logs anyway, which turns each
// line of this form into metrics. So a metric costs a line and no time, cannot fail a refresh, and is not lost when the
// function is frozen right after.
//
// What it does cost is money: CloudWatch counts each combination of a metric's name and its dimensions as a metric of its own. So
// dimensions are names that people gave, of caches, views and links, and never what varies by itself, such as the text
// of an error.
package emf
