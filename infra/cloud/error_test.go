package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/awssim"
)

const (
	secretARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf"
	queueURL  = "https://sqs.eu-central-1.amazonaws.com/123456789012/refresh"
)

// asks are all calls, by the action that IAM knows them under.
func asks(ctx context.Context, c *cloud.Client, region string) map[string]func() error {
	return map[string]func() error{
		cloud.ActionClusterLogin:    func() error { _, err := c.ClusterLogin(ctx, region, "prod", "cache_ro", "dev"); return err },
		cloud.ActionClusterIAMLogin: func() error { _, err := c.ClusterIAMLogin(ctx, region, "prod", "dev"); return err },
		cloud.ActionCluster:         func() error { _, err := c.Cluster(ctx, region, "prod"); return err },
		cloud.ActionWorkgroupLogin:  func() error { _, err := c.WorkgroupLogin(ctx, region, "bi-group", "dev"); return err },
		cloud.ActionWorkgroup:       func() error { _, err := c.Workgroup(ctx, region, "bi-group"); return err },
		cloud.ActionSecret:          func() error { _, err := c.Secret(ctx, region, secretARN); return err },
		cloud.ActionInstance:        func() error { _, err := c.Instance(ctx, region, "app"); return err },
		cloud.ActionSend:            func() error { _, err := c.Send(ctx, queueURL, []string{"{}"}); return err },
	}
}

func failure(t *testing.T, err error) *cloud.Error {
	t.Helper()
	failed, ok := errors.AsType[*cloud.Error](err)
	if !ok {
		t.Fatalf("got %v, want an Error", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error has several lines: %q", err)
	}
	return failed
}

func TestError_SaysWhichActionOnWhichResource(t *testing.T) {
	t.Parallel()
	const redshift = "arn:aws:redshift:eu-central-1:ACCOUNT:"
	a := awssim.Start(t)
	calls := asks(t.Context(), a.Client(), "")
	for action, want := range map[string]struct{ resource, allow string }{
		cloud.ActionClusterLogin: {
			"dbuser:prod/cache_ro", redshift + "dbuser:prod/cache_ro and " + redshift + "dbname:prod/dev",
		},
		cloud.ActionClusterIAMLogin: {"dbname:prod/dev", redshift + "dbname:prod/dev"},
		cloud.ActionCluster:         {"cluster:prod", redshift + "cluster:prod"},
		cloud.ActionWorkgroupLogin:  {"workgroup/bi-group", "arn:aws:redshift-serverless:eu-central-1:ACCOUNT:workgroup/"},
		cloud.ActionWorkgroup:       {"workgroup/bi-group", "arn:aws:redshift-serverless:eu-central-1:ACCOUNT:workgroup/"},
		cloud.ActionSecret:          {secretARN, secretARN},
		cloud.ActionInstance:        {"db:app", "arn:aws:rds:eu-central-1:ACCOUNT:db:app"},
		cloud.ActionSend:            {"refresh", "arn:aws:sqs:eu-central-1:123456789012:refresh"},
	} {
		a.Deny(action)
		denied := failure(t, calls[action]())
		if denied.Kind != cloud.Denied || denied.Action != action || denied.Resource != want.resource || denied.Passing() ||
			!strings.HasPrefix(denied.Error(), action+" on "+want.resource+": access denied: ") ||
			!strings.Contains(denied.Hint(), "Allow "+action+" on "+want.allow) {
			t.Errorf("denied: got %+v %q, hint %q", denied, denied, denied.Hint())
		}
		a.Allow(action)
		missing := failure(t, calls[action]())
		if missing.Kind != cloud.NotFound || missing.Passing() || !strings.Contains(missing.Error(), "does not exist") ||
			!strings.Contains(missing.Hint(), "eu-central-1") {
			t.Errorf("missing: got %+v %q, hint %q", missing, missing, missing.Hint())
		}
	}
}

func TestError_NamesThePartition(t *testing.T) {
	t.Parallel()
	a := awssim.Start(t)
	a.Deny(cloud.ActionCluster)
	for region, want := range map[string]string{
		"cn-north-1": "arn:aws-cn:redshift:cn-north-1:", "us-gov-west-1": "arn:aws-us-gov:redshift:us-gov-west-1:",
	} {
		_, err := a.Client().Cluster(t.Context(), region, "prod")
		if got := failure(t, err).Hint(); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestClient_TriesAgainWhereItHelps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.aws.Throttle("redshift:DescribeClusters", 2)
	if _, err := b.client.Cluster(t.Context(), "", "prod"); err != nil || b.aws.Count("redshift:DescribeClusters") != 3 {
		t.Errorf("got %v after %d attempts", err, b.aws.Count("redshift:DescribeClusters"))
	}
	b.aws.Break("redshift-serverless:GetWorkgroup", 4)
	if _, err := b.client.Workgroup(t.Context(), "", "bi-group"); err != nil || b.aws.Count("redshift-serverless:GetWorkgroup") != 5 {
		t.Errorf("got %v after %d attempts", err, b.aws.Count("redshift-serverless:GetWorkgroup"))
	}
	b.aws.Throttle("redshift:GetClusterCredentials", 1000)
	_, err := b.client.ClusterLogin(t.Context(), "", "prod", "cache_ro", "dev")
	if got := failure(t, err); got.Kind != cloud.Throttled || !got.Passing() || b.aws.Count("redshift:GetClusterCredentials") != 5 {
		t.Errorf("got %+v after %d attempts", got, b.aws.Count("redshift:GetClusterCredentials"))
	}
	b.aws.Break("secretsmanager:GetSecretValue", 1000)
	_, err = b.client.Secret(t.Context(), "", secretARN)
	if got := failure(t, err); got.Kind != cloud.Failed || !got.Passing() {
		t.Errorf("got %+v", got)
	}
	_, err = b.client.Cluster(t.Context(), "", "nowhere")
	if failure(t, err).Kind != cloud.NotFound || b.aws.Count("redshift:DescribeClusters") != 4 {
		t.Errorf("got %v after %d attempts, want one more only", err, b.aws.Count("redshift:DescribeClusters"))
	}
}

func TestClient_AsksTheRegionThatIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.client.Cluster(t.Context(), "us-east-1", "prod")
	if got := failure(t, err); got.Kind != cloud.NotFound || !strings.Contains(got.Hint(), "us-east-1") {
		t.Errorf("got %v, hint %q", got, got.Hint())
	}
	other := b.aws.Client(config.WithRegion("us-east-1"))
	arn := b.aws.Secret("app", `{"username":"u","password":"p"}`)
	if _, err := other.Secret(t.Context(), "", arn); err != nil {
		t.Errorf("the region of the ARN is not used: %v", err)
	}
	regions := map[string]string{}
	_, _ = other.Send(t.Context(), queueURL, []string{"{}"})
	for _, call := range b.aws.Calls() {
		regions[call.Action] = call.Region
	}
	if regions["sqs:SendMessageBatch"] != "eu-central-1" {
		t.Errorf("the region of the queue's URL is not used: %v", regions)
	}
}

func TestClient_SaysWhatIsNotConfigured(t *testing.T) {
	t.Parallel()
	a := awssim.Start(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	t.Cleanup(proxy.Close)
	broken := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no role found")
	})
	for name, tt := range map[string]struct {
		option     cloud.Option
		kind       cloud.Kind
		said, hint string
	}{
		"no region":      {config.WithRegion(""), cloud.Unconfigured, "no region is configured", "AWS_REGION"},
		"no credentials": {config.WithCredentialsProvider(broken), cloud.Unconfigured, "no role found", "AWS_PROFILE"},
		"unknown key": {
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIAOTHER", "s3cret", "")),
			cloud.Unconfigured, "InvalidClientTokenId", "AWS_ACCESS_KEY_ID",
		},
		"no profile":   {config.WithSharedConfigProfile("nope"), cloud.Unconfigured, "no configuration", "AWS_PROFILE"},
		"a proxy":      {config.WithBaseEndpoint(proxy.URL), cloud.Unreachable, "HTTP status 403", "AWS_ENDPOINT_URL"},
		"nobody there": {config.WithBaseEndpoint("http://" + closed.Addr().String()), cloud.Unreachable, "refused", "NAT gateway"},
		"no such host": {config.WithBaseEndpoint("http://aws.invalid"), cloud.Unreachable, "aws.invalid", "AWS_ENDPOINT_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for action, ask := range asks(t.Context(), a.Client(tt.option), "") {
				if name == "no region" && (action == cloud.ActionSecret || action == cloud.ActionSend) {
					continue // their names have one
				}
				got := failure(t, ask())
				if got.Kind != tt.kind || got.Action != action || !strings.Contains(got.Error(), tt.said) || !strings.Contains(got.Hint(), tt.hint) ||
					strings.Contains(fmt.Sprintf("%+v", got), "s3cret") {
					t.Errorf("got %+v %q, hint %q", got, got, got.Hint())
				}
			}
		})
	}
}

func TestClient_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.aws.Delay(time.Minute)
	for action := range asks(t.Context(), b.client, "") {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, errors.New("out of patience"))
		err := asks(ctx, b.client, "")[action]()
		cancel()
		if err == nil || !strings.Contains(err.Error(), action+" on ") || !strings.Contains(err.Error(), "out of patience") {
			t.Errorf("%s: got %v", action, err)
		}
	}
}

// An endpoint that takes a request and says nothing costs one attempt, and not all the time that there is.
func TestClient_GivesUpAnAttemptThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the client is gone
		<-r.Context().Done()
	}))
	defer silent.Close()
	client := cloud.New(config.WithRegion("eu-central-1"), config.WithBaseEndpoint(silent.URL),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("id", "key", "")))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	ended := make(chan error, 1)
	go func() { _, err := client.Send(ctx, queueURL, []string{"{}"}); ended <- err }()
	for range 2 {
		select {
		case <-asked:
		case <-ctx.Done():
			t.Error("an attempt that nobody answers is not given up")
		}
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("a silent endpoint has taken the message")
	}
}
