package cloud_test

import (
	"bufio"
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/need"
)

// moto starts moto_server, whose formats of requests and answers are somebody else's, and returns how to reach it.
func moto(t *testing.T) []cloud.Option {
	t.Helper()
	path := need.Program(t, "moto_server", "the formats of AWS's answers are checked against our own double only")
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", "0")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // which is an error, because it was killed
	})
	running := regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if match := running.FindStringSubmatch(lines.Text()); match != nil {
			go func() { // the log must not fill its pipe
				for lines.Scan() {
				}
			}()
			return []cloud.Option{
				config.WithBaseEndpoint(match[1]), config.WithRegion("eu-central-1"),
				config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
				config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "x", "")),
			}
		}
		said.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("moto_server ended: %s", said.String())
	return nil
}

// The calls that moto knows. It knows no GetClusterCredentialsWithIAM, and tells no nodes of a cluster.
func TestClient_UnderstandsMoto(t *testing.T) {
	t.Parallel()
	options := moto(t)
	ctx := t.Context()
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		t.Fatal(err)
	}
	client := cloud.New(options...)
	t.Run("cluster", func(t *testing.T) { motoCluster(ctx, t, redshift.NewFromConfig(cfg), client) })
	t.Run("secret", func(t *testing.T) { motoSecret(ctx, t, secretsmanager.NewFromConfig(cfg), client) })
	t.Run("queue", func(t *testing.T) { motoQueue(ctx, t, sqs.NewFromConfig(cfg), client) })
	t.Run("instance", func(t *testing.T) { motoInstance(ctx, t, rds.NewFromConfig(cfg), client) })
}

func motoCluster(ctx context.Context, t *testing.T, admin *redshift.Client, client *cloud.Client) {
	t.Helper()
	if _, err := admin.CreateCluster(ctx, &redshift.CreateClusterInput{
		ClusterIdentifier: aws.String("prod"), NodeType: aws.String("ra3.large"), MasterUsername: aws.String("admin"),
		MasterUserPassword: aws.String("Secret123"), DBName: aws.String("dev"), AvailabilityZone: aws.String("eu-central-1b"),
	}); err != nil {
		t.Fatal(err)
	}
	login, err := client.ClusterLogin(ctx, "", "prod", "cache_ro", "dev")
	left := time.Until(login.Expires)
	if err != nil || login.User != "IAM:cache_ro" || login.Password == "" || left < 58*time.Minute || left > time.Hour {
		t.Errorf("got %v for %s, %v", login, left, err)
	}
	at, err := client.Cluster(ctx, "", "prod")
	if err != nil || !strings.HasPrefix(at.Host, "prod.") || at.Port != 5439 || at.Zone != "eu-central-1b" {
		t.Errorf("got %+v, %v", at, err)
	}
	_, described := client.Cluster(ctx, "", "nowhere")
	_, asked := client.ClusterLogin(ctx, "", "nowhere", "cache_ro", "dev")
	if failure(t, described).Kind != cloud.NotFound || failure(t, asked).Kind != cloud.NotFound {
		t.Errorf("a cluster that does not exist: %v; %v", described, asked)
	}
	if _, err := admin.PauseCluster(ctx, &redshift.PauseClusterInput{ClusterIdentifier: aws.String("prod")}); err != nil {
		t.Fatal(err)
	}
	if at, err = client.Cluster(ctx, "", "prod"); err != nil || at.State != cloud.Stopped {
		t.Errorf("paused: got %+v, %v", at, err)
	}
}

func motoSecret(ctx context.Context, t *testing.T, admin *secretsmanager.Client, client *cloud.Client) {
	t.Helper()
	made, err := admin.CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: aws.String("app"), SecretString: aws.String(`{"username":"u","password":"old"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := client.Secret(ctx, "", *made.ARN); err != nil || got.User != "u" || got.Password != "old" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := admin.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: made.ARN, SecretString: aws.String(`{"username":"u2","password":"new"}`),
	}); err != nil {
		t.Fatal(err)
	}
	if got, err := client.Secret(ctx, "", *made.ARN); err != nil || got.User != "u2" || got.Password != "new" {
		t.Errorf("rotated: got %v, %v", got, err)
	}
	if _, err := client.Secret(ctx, "", secretARN); failure(t, err).Kind != cloud.NotFound {
		t.Errorf("a secret that does not exist: %v", err)
	}
}

func motoQueue(ctx context.Context, t *testing.T, admin *sqs.Client, client *cloud.Client) {
	t.Helper()
	made, err := admin.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("refresh")})
	if err != nil {
		t.Fatal(err)
	}
	if failed, err := client.Send(ctx, *made.QueueUrl, []string{"one", "two"}); err != nil || failed != nil {
		t.Errorf("got %v, %v", failed, err)
	}
	got, err := admin.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl, MaxNumberOfMessages: 10})
	if err != nil || len(got.Messages) != 2 || *got.Messages[0].Body != "one" || *got.Messages[1].Body != "two" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := client.Send(ctx, *made.QueueUrl+"2", []string{"one"}); failure(t, err).Kind != cloud.NotFound {
		t.Errorf("a queue that does not exist: %v", err)
	}
}

func motoInstance(ctx context.Context, t *testing.T, admin *rds.Client, client *cloud.Client) {
	t.Helper()
	if _, err := admin.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String("app"), DBInstanceClass: aws.String("db.t4g.medium"), Engine: aws.String("postgres"),
		AllocatedStorage: aws.Int32(100), MasterUsername: aws.String("root"), MasterUserPassword: aws.String("Secret123"),
		EnableIAMDatabaseAuthentication: aws.Bool(true), AvailabilityZone: aws.String("eu-central-1b"),
	}); err != nil {
		t.Fatal(err)
	}
	got, err := client.Instance(ctx, "", "app")
	if err != nil || got.Engine != "postgres" || got.StorageGiB != 100 || got.Zone != "eu-central-1b" || !got.IAM ||
		got.Host == "" || got.Port != 5432 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := client.Instance(ctx, "", "nothing"); failure(t, err).Kind != cloud.NotFound {
		t.Errorf("an instance that does not exist: %v", err)
	}
}
