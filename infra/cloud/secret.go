package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

const secretForm = `Keep it as JSON text with at least "username" and "password"; "host", "port" and "dbname" are understood as well.`

// Secret returns the login that a secret of Secrets Manager has now, its version AWSCURRENT. An empty region is that
// of the ARN, or the configured one for a bare name. What is missing in a secret is said without what is in it.
func (c *Client) Secret(ctx context.Context, region, arn string) (Secret, error) {
	if parts := strings.Split(arn, ":"); region == "" && len(parts) >= 6 && parts[0] == "arn" {
		region = parts[3]
	}
	of := call{
		action: ActionSecret, region: region, resource: arn, allow: []string{arn},
		missing: "Check the secret's ARN, as aws secretsmanager list-secrets prints it.",
	}
	if !strings.HasPrefix(arn, "arn:") {
		of.allow = []string{"arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:" + arn + "-??????"}
	}
	return do(ctx, c, of, func(r *regional) (Secret, error) {
		out, err := r.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
		if err != nil {
			return Secret{}, err
		}
		if out.SecretString == nil {
			return Secret{}, of.unfit("it holds bytes, not text")
		}
		secret, problem := parseSecret(*out.SecretString)
		if problem != "" {
			return Secret{}, of.unfit(problem)
		}
		return secret, nil
	})
}

// unfit is a secret that is there, but of no use.
func (of call) unfit(problem string) error {
	return &Error{Action: of.action, Resource: of.resource, Kind: Invalid, err: errors.New(problem), hint: secretForm}
}

// parseSecret reads the form that Redshift and RDS give to their own secrets. The port is a number or a text there.
// The problem never has a part of the text, so the parser's own words are not repeated.
func parseSecret(text string) (secret Secret, problem string) {
	var keys map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&keys) != nil || keys == nil {
		return Secret{}, "it is no JSON object"
	}
	var missing []string
	word := func(key string) string {
		value, _ := keys[key].(string)
		return value
	}
	for _, key := range []string{"username", "password"} {
		if word(key) == "" {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return Secret{}, "it has no text for " + strings.Join(missing, " and ")
	}
	secret = Secret{
		Login: Login{User: word("username"), Password: word("password")}, Host: word("host"), Database: word("dbname"),
	}
	port := word("port")
	if number, ok := keys["port"].(json.Number); ok {
		port = number.String()
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Secret{}, "its port is no number from 1 to 65535"
		}
		secret.Port = int(n)
	}
	return secret, ""
}
