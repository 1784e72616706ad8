package awssim

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// tokenLife is how long a token for RDS is good.
const tokenLife = 15 * time.Minute

// emptyHash is the SHA-256 of no bytes, which is what a token signs as its content.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// good says whether a token was signed for this host, port and user in the last 15 minutes, by signing it again.
func (d *Database) good(token, user string) bool {
	d.mu.Lock()
	d.tokens = append(d.tokens, token)
	d.mu.Unlock()
	got, err := url.Parse("https://" + token)
	if err != nil || got.Host != net.JoinHostPort(d.Host, strconv.Itoa(d.Port)) {
		return false
	}
	query := got.Query()
	at, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	if err != nil || time.Since(at) > tokenLife || query.Get("DBUser") != user {
		return false
	}
	again, err := http.NewRequest(http.MethodGet, "https://"+got.Host+"?"+url.Values{
		"Action": {"connect"}, "DBUser": {user}, "X-Amz-Expires": {"900"},
	}.Encode(), nil)
	if err != nil {
		return false
	}
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), aws.Credentials{
		AccessKeyID: accessKey, SecretAccessKey: secretKey,
	}, again, emptyHash, "rds-db", Region, at)
	if err != nil {
		return false
	}
	want, err := url.Parse(signed)
	return err == nil && query.Get("X-Amz-Signature") == want.Query().Get("X-Amz-Signature")
}
