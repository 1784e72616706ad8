package cloud

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	serverless "github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"
)

func workgroupCall(action, region, workgroup string) call {
	return call{
		action: action, region: region, resource: "workgroup/" + workgroup,
		// Policies name a workgroup by its id, a UUID; the name is not in its ARN.
		allow:   []string{"arn:PARTITION:redshift-serverless:REGION:ACCOUNT:workgroup/ID-OF-" + workgroup},
		missing: "Check the name of workgroup " + workgroup + ", as aws redshift-serverless list-workgroups prints it, and its region.",
	}
}

// WorkgroupLogin returns a temporary password for the login that stands for this process's own identity in a
// workgroup of Redshift Serverless. An empty region is the configured one.
func (c *Client) WorkgroupLogin(ctx context.Context, region, workgroup, database string) (Login, error) {
	of := workgroupCall(ActionWorkgroupLogin, region, workgroup)
	return do(ctx, c, of, func(r *regional) (Login, error) {
		out, err := r.serverless.GetCredentials(ctx, &serverless.GetCredentialsInput{
			WorkgroupName: &workgroup, DbName: &database, DurationSeconds: aws.Int32(loginSeconds),
		})
		if err != nil {
			return Login{}, err
		}
		return Login{aws.ToString(out.DbUser), aws.ToString(out.DbPassword), aws.ToTime(out.Expiration)}, nil
	})
}

// Workgroup returns where a workgroup is and whether it takes connections. One that is being made has no Host yet. An
// empty region is the configured one.
func (c *Client) Workgroup(ctx context.Context, region, name string) (Endpoint, error) {
	return do(ctx, c, workgroupCall(ActionWorkgroup, region, name), func(r *regional) (Endpoint, error) {
		out, err := r.serverless.GetWorkgroup(ctx, &serverless.GetWorkgroupInput{WorkgroupName: &name})
		if err != nil {
			return Endpoint{}, err
		}
		if out.Workgroup == nil {
			return Endpoint{}, errors.New("the answer has no workgroup")
		}
		return workgroupEndpoint(*out.Workgroup), nil
	})
}

func workgroupEndpoint(group types.Workgroup) Endpoint {
	e := Endpoint{Status: strings.ToLower(string(group.Status)), Relocate: true}
	switch group.Status {
	case types.WorkgroupStatusCreating, types.WorkgroupStatusModifying:
		e.State = Passing
	case types.WorkgroupStatusDeleting:
		e.State = Stopped
	}
	if group.Endpoint == nil {
		return e
	}
	e.Host, e.Port = aws.ToString(group.Endpoint.Address), int(aws.ToInt32(group.Endpoint.Port))
	for _, endpoint := range group.Endpoint.VpcEndpoints {
		e.VPC = aws.ToString(endpoint.VpcId)
		for _, i := range endpoint.NetworkInterfaces {
			if i.PrivateIpAddress != nil {
				e.Private = append(e.Private, Interface{*i.PrivateIpAddress, aws.ToString(i.AvailabilityZone)})
			}
		}
	}
	return e
}
