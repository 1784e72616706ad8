// Package cloud is what this program asks AWS: short-lived logins, where a cluster is, secrets, and the queue.
//
// The hard idea is to say what went wrong in the words of whoever has to mend it: which action on which resource was
// refused, that a cluster does not exist, that no region is configured. Everything else (signing, endpoints, retries
// with backoff of what was throttled) is the SDK's, which is configured in its own ways: AWS_REGION, AWS_PROFILE,
// AWS_ENDPOINT_URL, the role of a Lambda or of an instance.
//
// Nothing is asked, and no credentials are looked for, before the first call: a process whose links have passwords
// never notices that there is an AWS.
package cloud
