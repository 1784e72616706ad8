package cloud

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// Instance is an RDS instance.
type Instance struct {
	ID            string
	Class         string // db.t4g.medium
	Engine        string // postgres, or aurora-postgresql
	EngineVersion string
	Status        string // in AWS's own words: available, storage-full, …
	Zone          string // of the instance that writes; a standby is in another one
	VPC           string
	Host          string
	Port          int
	MultiAZ       bool
	IAM           bool // logins by token are switched on
	StorageGiB    int  // Aurora says 1 whatever it has
	MaxStorageGiB int  // up to which storage grows by itself; 0: it does not
	CACertificate string
	ResourceID    string // db-ABC…, by which policies name it for rds-db:connect
}

// Instance describes an RDS instance. An empty region is the configured one.
func (c *Client) Instance(ctx context.Context, region, id string) (Instance, error) {
	of := call{
		action: ActionInstance, region: region, resource: "db:" + id,
		allow:   []string{"arn:PARTITION:rds:REGION:ACCOUNT:db:" + id},
		missing: "Check the identifier of instance " + id + ", as aws rds describe-db-instances prints it, and its region.",
	}
	return do(ctx, c, of, func(r *regional) (Instance, error) {
		// A client of its own: made with the others, it would be in every program, functions included, and only doctor asks.
		out, err := rds.NewFromConfig(r.Config).DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
		if err != nil {
			return Instance{}, err
		}
		if len(out.DBInstances) != 1 {
			return Instance{}, errors.New("the answer has no instance")
		}
		found := out.DBInstances[0]
		instance := Instance{
			ID: id, Class: aws.ToString(found.DBInstanceClass), Engine: aws.ToString(found.Engine),
			EngineVersion: aws.ToString(found.EngineVersion), Status: aws.ToString(found.DBInstanceStatus),
			Zone: aws.ToString(found.AvailabilityZone), MultiAZ: aws.ToBool(found.MultiAZ),
			IAM:        aws.ToBool(found.IAMDatabaseAuthenticationEnabled),
			StorageGiB: int(aws.ToInt32(found.AllocatedStorage)), MaxStorageGiB: int(aws.ToInt32(found.MaxAllocatedStorage)),
			CACertificate: aws.ToString(found.CACertificateIdentifier), ResourceID: aws.ToString(found.DbiResourceId),
		}
		if found.Endpoint != nil {
			instance.Host, instance.Port = aws.ToString(found.Endpoint.Address), int(aws.ToInt32(found.Endpoint.Port))
		}
		if found.DBSubnetGroup != nil {
			instance.VPC = aws.ToString(found.DBSubnetGroup.VpcId)
		}
		return instance, nil
	})
}
