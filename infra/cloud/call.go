package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The actions that this package calls, as IAM policies name them.
const (
	ActionClusterLogin    = "redshift:GetClusterCredentials"
	ActionClusterIAMLogin = "redshift:GetClusterCredentialsWithIAM"
	ActionCluster         = "redshift:DescribeClusters"
	ActionWorkgroupLogin  = "redshift-serverless:GetCredentials"
	ActionWorkgroup       = "redshift-serverless:GetWorkgroup"
	ActionSecret          = "secretsmanager:GetSecretValue"
	ActionInstance        = "rds:DescribeDBInstances"
	ActionDatabaseToken   = "rds-db:connect"
	ActionSend            = "sqs:SendMessage" // which SendMessageBatch needs as well
	ActionReturn          = "sqs:ChangeMessageVisibility"
)

// call is one call to AWS, in the words of its errors.
type call struct {
	action   string
	resource string   // what it is about, in short
	region   string   // empty: the configured one
	allow    []string // ARNs that a policy has to allow it on, with PARTITION and REGION where they are not known yet
	missing  string   // what to do when the resource does not exist
}

// do runs a call in its region, and names it in every error.
func do[T any](ctx context.Context, c *Client, of call, ask func(r *regional) (T, error)) (T, error) {
	var none T
	r, err := c.in(ctx, of.region)
	if err != nil {
		return none, of.failed(ctx, err)
	}
	of.region = r.Region
	answer, err := ask(r)
	if err != nil {
		return none, of.failed(ctx, err)
	}
	return answer, nil
}

// failed puts an error of the SDK into the words of the call.
func (of call) failed(ctx context.Context, err error) error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	e := &Error{Action: of.action, Resource: of.resource, err: err}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) { // nobody asked for the end: the answer took too long
		e.Kind, e.err = Unreachable, fmt.Errorf("no answer in time: %w", context.Cause(ctx))
		e.hint = of.hint(e)
		return e
	}
	if ctx.Err() != nil {
		e.err = context.Cause(ctx)
		return e
	}
	e.Kind, e.err = classify(err)
	e.hint = of.hint(e)
	return e
}

// classify finds the one fact that matters in an error of the SDK, which lists all its layers and attempts.
func classify(err error) (Kind, error) {
	if errors.Is(err, errNoRegion) {
		return Unconfigured, errNoRegion
	}
	if missing, ok := errors.AsType[*configError](err); ok {
		return Unconfigured, missing
	}
	said, refused := errors.AsType[smithy.APIError](err)
	_, garbled := errors.AsType[*smithy.DeserializationError](err) // it keeps the answer, which may have a password
	foreign := garbled || refused && said.ErrorCode() == unknownCode
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && foreign {
		return Unreachable, fmt.Errorf("something else answers there, with HTTP status %d", answer.HTTPStatusCode())
	}
	if garbled {
		return Failed, errors.New("the answer cannot be understood")
	}
	if refused {
		return kindOf(said), &refusal{said}
	}
	if network, ok := errors.AsType[net.Error](err); ok {
		return Unreachable, network
	}
	return Failed, err
}

// unknownCode is what the SDK makes of an answer without a code, which AWS never gives. A proxy does.
const unknownCode = "UnknownError"

// refusal is an answer of AWS, in AWS's own words.
type refusal struct{ smithy.APIError }

func (r *refusal) Error() string { return r.ErrorCode() + ": " + r.ErrorMessage() }
func (r *refusal) Unwrap() error { return r.APIError }

// kinds are the codes of errors that do not say by their form what they are.
var kinds = map[string]Kind{
	"ClusterNotFound": NotFound, "ResourceNotFoundException": NotFound, "DBInstanceNotFound": NotFound,
	"QueueDoesNotExist": NotFound, "AWS.SimpleQueueService.NonExistentQueue": NotFound,
	"UnauthorizedOperation": Denied, "NotAuthorized": Denied, "DecryptionFailure": Denied, "KmsAccessDenied": Denied,
	"AuthFailure": Unconfigured, "ExpiredToken": Unconfigured, "ExpiredTokenException": Unconfigured,
	"IncompleteSignature": Unconfigured, "InvalidAccessKeyId": Unconfigured, "InvalidClientTokenId": Unconfigured,
	"InvalidSignatureException": Unconfigured, "MissingAuthenticationToken": Unconfigured,
	"MissingAuthenticationTokenException": Unconfigured, "RequestExpired": Unconfigured,
	"SignatureDoesNotMatch": Unconfigured, "UnrecognizedClientException": Unconfigured,
}

func kindOf(said smithy.APIError) Kind {
	code := said.ErrorCode()
	if kind, known := kinds[code]; known {
		return kind
	}
	if _, throttled := retry.DefaultThrottleErrorCodes[code]; throttled {
		return Throttled
	}
	switch {
	case strings.HasPrefix(code, "AccessDenied"):
		return Denied
	case strings.HasPrefix(code, "Invalid"), strings.HasPrefix(code, "Validation"), said.ErrorFault() == smithy.FaultClient:
		return Invalid
	}
	return Failed
}
