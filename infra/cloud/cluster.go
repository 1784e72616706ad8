package cloud

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"
)

// loginSeconds is how long a temporary password lets new sessions in: the longest that AWS gives.
const loginSeconds = 3600

const redshiftARN = "arn:PARTITION:redshift:REGION:ACCOUNT:"

func clusterCall(action, region, cluster, resource string, allow ...string) call {
	for i := range allow {
		allow[i] = redshiftARN + allow[i]
	}
	return call{
		action: action, region: region, resource: resource, allow: allow,
		missing: "Check the identifier of cluster " + cluster + ", as aws redshift describe-clusters prints it, and its region.",
	}
}

// ClusterLogin returns a temporary password for a login that exists in the cluster; it does not make one. AWS gives a
// password for a login that does not exist as well: the session fails then. An empty region is the configured one.
func (c *Client) ClusterLogin(ctx context.Context, region, cluster, user, database string) (Login, error) {
	login, name := "dbuser:"+cluster+"/"+user, "dbname:"+cluster+"/"+database
	of := clusterCall(ActionClusterLogin, region, cluster, login, login, name)
	return do(ctx, c, of, func(r *regional) (Login, error) {
		out, err := r.redshift.GetClusterCredentials(ctx, &redshift.GetClusterCredentialsInput{
			ClusterIdentifier: &cluster, DbUser: &user, DbName: &database,
			AutoCreate: aws.Bool(false), DurationSeconds: aws.Int32(loginSeconds),
		})
		if err != nil {
			return Login{}, err
		}
		return Login{aws.ToString(out.DbUser), aws.ToString(out.DbPassword), aws.ToTime(out.Expiration)}, nil
	})
}

// ClusterIAMLogin returns a temporary password for the login that stands for this process's own identity in the
// cluster. An empty region is the configured one.
func (c *Client) ClusterIAMLogin(ctx context.Context, region, cluster, database string) (Login, error) {
	name := "dbname:" + cluster + "/" + database
	of := clusterCall(ActionClusterIAMLogin, region, cluster, name, name)
	return do(ctx, c, of, func(r *regional) (Login, error) {
		out, err := r.redshift.GetClusterCredentialsWithIAM(ctx, &redshift.GetClusterCredentialsWithIAMInput{
			ClusterIdentifier: &cluster, DbName: &database, DurationSeconds: aws.Int32(loginSeconds),
		})
		if err != nil {
			return Login{}, err
		}
		return Login{aws.ToString(out.DbUser), aws.ToString(out.DbPassword), aws.ToTime(out.Expiration)}, nil
	})
}

// Cluster returns where a cluster is and whether it takes connections. A cluster that is being made has no Host yet.
// An empty region is the configured one.
func (c *Client) Cluster(ctx context.Context, region, id string) (Endpoint, error) {
	of := clusterCall(ActionCluster, region, id, "cluster:"+id, "cluster:"+id)
	return do(ctx, c, of, func(r *regional) (Endpoint, error) {
		out, err := r.redshift.DescribeClusters(ctx, &redshift.DescribeClustersInput{ClusterIdentifier: &id})
		if err != nil {
			return Endpoint{}, err
		}
		if len(out.Clusters) != 1 {
			return Endpoint{}, errors.New("the answer has no cluster")
		}
		return endpointOf(out.Clusters[0]), nil
	})
}

func endpointOf(cluster types.Cluster) Endpoint {
	e := Endpoint{
		Status: aws.ToString(cluster.ClusterStatus), Zone: aws.ToString(cluster.AvailabilityZone),
		VPC:      aws.ToString(cluster.VpcId),
		MultiAZ:  strings.EqualFold(aws.ToString(cluster.MultiAZ), "enabled"),
		Relocate: strings.EqualFold(aws.ToString(cluster.AvailabilityZoneRelocationStatus), "enabled"),
	}
	e.State = stateOf(e.Status, aws.ToString(cluster.ClusterAvailabilityStatus))
	if cluster.Endpoint != nil {
		e.Host, e.Port = aws.ToString(cluster.Endpoint.Address), int(aws.ToInt32(cluster.Endpoint.Port))
		if e.Relocate || e.MultiAZ {
			e.Private = interfacesOf(cluster.Endpoint.VpcEndpoints)
		}
	}
	if len(e.Private) == 0 {
		e.Private = leaderOf(cluster.ClusterNodes, e.Zone)
	}
	slices.SortStableFunc(e.Private, func(a, b Interface) int { // those in the cluster's own zone come first
		return cmp.Compare(elsewhere(a, e.Zone), elsewhere(b, e.Zone))
	})
	return e
}

func elsewhere(i Interface, zone string) int {
	if i.Zone == zone {
		return 0
	}
	return 1
}

// interfacesOf lists the network interfaces of the endpoints behind which a cluster moves.
func interfacesOf(endpoints []types.VpcEndpoint) []Interface {
	var private []Interface
	for _, endpoint := range endpoints {
		for _, i := range endpoint.NetworkInterfaces {
			if i.PrivateIpAddress != nil {
				private = append(private, Interface{*i.PrivateIpAddress, aws.ToString(i.AvailabilityZone)})
			}
		}
	}
	return private
}

// leaderOf finds the node that clients talk to; a cluster of one node has it share its machine.
func leaderOf(nodes []types.ClusterNode, zone string) []Interface {
	for _, node := range nodes {
		role := strings.ToUpper(aws.ToString(node.NodeRole))
		if (role == "LEADER" || role == "SHARED") && node.PrivateIPAddress != nil {
			return []Interface{{*node.PrivateIPAddress, zone}}
		}
	}
	return nil
}
