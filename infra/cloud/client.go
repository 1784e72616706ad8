package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"
)

const (
	attempts       = 5               // of one call, with backoff in between
	dialTimeout    = 5 * time.Second // a network without a way to AWS drops packets, and says nothing
	attemptTimeout = 5 * time.Second // of one attempt, answer included: all of them fit into a minute
)

// Option changes how the SDK is configured, in its own terms: config.WithRegion, config.WithBaseEndpoint and so on.
type Option = func(*config.LoadOptions) error

// Client asks AWS. Its methods may be called from several goroutines; each is tried again with backoff while it is
// throttled or gets no answer, at most 5 times and until its ctx ends. They return an [*Error].
type Client struct {
	options []Option

	mu      sync.Mutex
	regions map[string]*regional
}

// New returns a client. It reads and asks nothing: the configuration is loaded at the first call.
func New(options ...Option) *Client {
	return &Client{options: options, regions: map[string]*regional{}}
}

// regional has the SDK's clients for one region, which share connections and credentials.
type regional struct {
	aws.Config
	redshift   *redshift.Client
	serverless *redshiftserverless.Client
	secrets    *secretsmanager.Client
	queues     *sqs.Client
}

var errNoRegion = errors.New("no region is configured")

// configError is that there is no configuration, or none that can be used.
type configError struct {
	what string
	err  error
}

func (e *configError) Error() string { return fmt.Sprintf("%s: %v", e.what, e.err) }
func (e *configError) Unwrap() error { return e.err }

// in returns what is needed to call a region, the configured one for "". It makes sure of the credentials, because
// the SDK's later errors do not tell their absence from other failures.
func (c *Client) in(ctx context.Context, name string) (*regional, error) {
	r, err := c.load(ctx, name)
	if err != nil {
		return nil, err
	}
	if _, err := r.Credentials.Retrieve(ctx); err != nil {
		return nil, &configError{"no credentials", err}
	}
	return r, nil
}

func (c *Client) load(ctx context.Context, name string) (*regional, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.regions[name]; r != nil {
		return r, nil
	}
	options := append([]Option{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout).
			WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout })),
		config.WithLogger(logging.Nop{}), // what matters is in the errors
		config.WithRetryer(func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), attempts) }),
	}, c.options...)
	if name != "" {
		options = append(options, config.WithRegion(name))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, &configError{"no configuration", err}
	}
	if cfg.Region == "" {
		return nil, errNoRegion
	}
	r := &regional{
		Config:     cfg,
		redshift:   redshift.NewFromConfig(cfg),
		serverless: redshiftserverless.NewFromConfig(cfg),
		secrets:    secretsmanager.NewFromConfig(cfg),
		queues:     sqs.NewFromConfig(cfg),
	}
	c.regions[name] = r
	return r, nil
}
