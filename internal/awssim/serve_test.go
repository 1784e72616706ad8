package awssim_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/redshiftsim"
)

func TestAWS_RefusesUnsignedRequests(t *testing.T) {
	t.Parallel()
	a := awssim.Start(t)
	for _, body := range []string{"Action=DescribeClusters&Version=2012-12-01", ""} {
		response, err := http.Post(a.URL, "application/x-www-form-urlencoded", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusForbidden || !strings.Contains(string(text), "MissingAuthenticationToken") {
			t.Errorf("got %s: %s", response.Status, text)
		}
	}
}

// What the product never sends is refused as well, so that it may not begin to send it unnoticed.
func TestAWS_RefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	a := awssim.Start(t)
	a.Cluster("prod", warehouse.Server)
	a.Workgroup("bi-group", warehouse.Server)
	q := a.Queue("refresh", awssim.QueueConfig{})
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithBaseEndpoint(a.URL), config.WithRegion(awssim.Region),
		config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "x", "")))
	if err != nil {
		t.Fatal(err)
	}
	ptr := func(n int32) *int32 { return &n }
	text := func(s string) *string { return &s }
	clusters, groups, queues := redshift.NewFromConfig(cfg), redshiftserverless.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	ask := func(user, database string, seconds int32) error {
		_, err := clusters.GetClusterCredentials(t.Context(), &redshift.GetClusterCredentialsInput{
			ClusterIdentifier: text("prod"), DbUser: &user, DbName: &database, DurationSeconds: ptr(seconds),
		})
		return err
	}
	_, group := groups.GetCredentials(t.Context(), &redshiftserverless.GetCredentialsInput{
		WorkgroupName: text("bi-group"), DbName: text("dev"), DurationSeconds: ptr(60),
	})
	_, empty := queues.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{
		QueueUrl: &q.URL, Entries: []types.SendMessageBatchRequestEntry{},
	})
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"too short":          {ask("u", "dev", 899), "DurationSeconds"},
		"too long":           {ask("u", "dev", 3601), "DurationSeconds"},
		"prefix in the user": {ask("IAM:u", "dev", 900), "Invalid DbUser"},
		"bad database":       {ask("u", "dev/prod", 900), "Invalid DbName"},
		"workgroup":          {group, "ValidationException"},
		"empty batch":        {empty, "EmptyBatchRequest"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, tt.err, tt.want)
		}
	}
	if err := ask("u", "dev", 900); err != nil {
		t.Error(err)
	}
}

// A process finds the double by its environment alone. Not parallel: there is one environment.
func TestAWS_EnvLeadsAProcessToIt(t *testing.T) {
	a := awssim.Start(t)
	a.Cluster("prod", redshiftsim.For(t).Server)
	for _, variable := range a.Env() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	if _, err := cloud.New().Cluster(t.Context(), "", "prod"); err != nil || a.Count("redshift:DescribeClusters") != 1 {
		t.Errorf("got %v after %+v", err, a.Calls())
	}
}
