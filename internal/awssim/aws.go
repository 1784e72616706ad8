package awssim

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/redcache/redcache/infra/cloud"
)

// The one account, region and identity that there are.
const (
	Account   = "123456789012"
	Region    = "eu-central-1"
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// AWS is a running double. Its methods may be called from several goroutines.
type AWS struct {
	URL string

	server *httptest.Server
	faults faults

	mu        sync.Mutex
	lifetime  time.Duration // of issued passwords, instead of what was asked for; zero: that
	identity  string
	issued    []string
	clusters  map[string]*Cluster
	groups    map[string]*Cluster
	secrets   map[string]*secret // by ARN
	instances map[string]cloud.Instance
	queues    map[string]*Queue // by name
}

// Start serves until the test ends.
func Start(t testing.TB) *AWS {
	t.Helper()
	a := Listen()
	t.Cleanup(a.Close)
	return a
}

// Listen serves until Close.
func Listen() *AWS {
	a := &AWS{
		identity: "IAMR:cache_ro",
		clusters: map[string]*Cluster{}, groups: map[string]*Cluster{}, secrets: map[string]*secret{},
		instances: map[string]cloud.Instance{}, queues: map[string]*Queue{},
	}
	a.server = httptest.NewServer(http.HandlerFunc(a.serve))
	a.URL = a.server.URL
	return a
}

// Close ends the double, and the requests that wait.
func (a *AWS) Close() {
	a.server.CloseClientConnections()
	a.server.Close()
}

// Env is what a process needs in its environment to find the double, and nothing of the machine's own.
func (a *AWS) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + a.URL, "AWS_REGION=" + Region,
		"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_SESSION_TOKEN=",
		"AWS_PROFILE=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
	}
}

// Client is a client of the product for the double, whose pauses between attempts are short. Options come after its own.
func (a *AWS) Client(options ...cloud.Option) *cloud.Client {
	own := []cloud.Option{
		config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
		config.WithBaseEndpoint(a.URL), config.WithRegion(Region),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(accessKey, secretKey, "")),
		config.WithRetryer(func() aws.Retryer {
			return retry.AddWithMaxBackoffDelay(retry.AddWithMaxAttempts(retry.NewStandard(), 5), 5*time.Millisecond)
		}),
	}
	return cloud.New(append(own, options...)...)
}

// Lifetime makes passwords that are issued from now on end after d, instead of the duration that was asked for; 0 ends it.
func (a *AWS) Lifetime(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lifetime = d
}

// Identity sets the database user that stands for whoever asks, verbatim as …WithIAM and workgroups return it; it is
// IAMR:cache_ro at first.
func (a *AWS) Identity(user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.identity = user
}

// Issued lists every password that was issued, for tests that search for them where they must not be.
func (a *AWS) Issued() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.issued...)
}
