package cloud

import (
	"cmp"
	"fmt"
	"strings"
)

// Kind is what went wrong with a call.
type Kind int

// The kinds of failures.
const (
	Failed       Kind = iota // for a reason of AWS's own, or because ctx ended
	NotFound                 // there is no such cluster, workgroup, secret, queue or instance
	Denied                   // a permission is missing
	Throttled                // still, after all attempts
	Unreachable              // no way to AWS
	Unconfigured             // no region, or no credentials that AWS accepts
	Invalid                  // what was asked for makes no sense to AWS, or what was found makes none here
)

// String is the kind in the words of an error, empty for what the cause says better.
func (k Kind) String() string {
	return [...]string{
		NotFound: "does not exist", Denied: "access denied", Throttled: "throttled", Unreachable: "AWS is out of reach",
		Invalid: "refused", Unconfigured: "not configured", Failed: "failed",
	}[k]
}

// Error is a call to AWS that failed. It never has a password, a token or the content of a secret.
type Error struct {
	Action   string // as IAM policies name it: redshift:GetClusterCredentials
	Resource string // what it was about: dbuser:prod/cache_ro
	Kind     Kind

	err  error
	hint string
}

// Error names action, resource, kind and cause on one line.
func (e *Error) Error() string {
	why := strings.Join(strings.Fields(e.err.Error()), " ")
	if e.Kind != Failed && e.Kind != Unconfigured {
		why = e.Kind.String() + ": " + why
	}
	return fmt.Sprintf("%s on %s: %s", e.Action, e.Resource, why)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

// Passing says whether it may pass by itself, so that it helps to try again later.
func (e *Error) Passing() bool {
	return e.Kind == Failed || e.Kind == Throttled || e.Kind == Unreachable
}

// Hint says what to do about it.
func (e *Error) Hint() string { return e.hint }

// hint says what to do about a failed call.
func (of call) hint(e *Error) string {
	switch e.Kind {
	case NotFound:
		where := ""
		if of.region != "" {
			where = " You asked in region " + of.region + "."
		}
		return of.missing + where
	case Denied:
		return of.permission()
	case Throttled:
		return "AWS limits how often this is asked: it was tried again with growing pauses, in vain. Try later, or " +
			"find out who else asks so often."
	case Unreachable:
		service, _, _ := strings.Cut(of.action, ":")
		return fmt.Sprintf("From a private subnet, AWS is reached through a NAT gateway or a VPC interface endpoint for "+
			"%s, whose security group lets HTTPS in. AWS_ENDPOINT_URL, if set, must be right.", service)
	case Unconfigured:
		if of.region == "" && e.err == errNoRegion {
			return "Name the region of the cluster, or set AWS_REGION."
		}
		return "Give this process an identity that AWS accepts: the role of its Lambda, task or instance, AWS_PROFILE, or " +
			"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN, if they are temporary)."
	}
	return ""
}

// permission is the statement of a policy that is missing. The account is not known here.
func (of call) permission() string {
	partition := "aws"
	switch {
	case strings.HasPrefix(of.region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(of.region, "us-gov-"):
		partition = "aws-us-gov"
	}
	known := strings.NewReplacer("PARTITION", partition, "REGION", cmp.Or(of.region, "REGION"))
	hint := fmt.Sprintf("Allow %s on %s in a policy of the identity that this process has.",
		of.action, known.Replace(strings.Join(of.allow, " and ")))
	if of.action == ActionSecret {
		hint += " A secret with a key of its own also needs kms:Decrypt on that key."
	}
	return hint
}
