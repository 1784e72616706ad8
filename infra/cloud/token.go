package cloud

import (
	"context"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
)

// DatabaseToken returns a password for one login of an RDS database, at HOST:PORT as the instance or proxy is called,
// for a user that was granted rds_iam. It lets new sessions in for 15 minutes. It is made here, without a question to
// AWS, so whether it is good shows at the login only. An empty region is that of the host's name, or the configured one.
func (c *Client) DatabaseToken(ctx context.Context, region, hostport, user string) (string, error) {
	host, _, _ := net.SplitHostPort(hostport)
	if region == "" {
		region = regionOfHost(host)
	}
	of := call{
		action: ActionDatabaseToken, region: region, resource: "dbuser:" + host + "/" + user,
		allow: []string{"arn:PARTITION:rds-db:REGION:ACCOUNT:dbuser:RESOURCE-ID/" + user},
	}
	return do(ctx, c, of, func(r *regional) (string, error) {
		return auth.BuildAuthToken(ctx, hostport, r.Region, user, r.Credentials)
	})
}

// regionOfHost reads the region from NAME.ID.REGION.rds.amazonaws.com, or "" when a host is called otherwise.
func regionOfHost(host string) string {
	labels := strings.Split(host, ".")
	if i := slices.Index(labels, "rds"); i > 1 && i+1 < len(labels) && labels[i+1] == "amazonaws" {
		return labels[i-1]
	}
	return ""
}
