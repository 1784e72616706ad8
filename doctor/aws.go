package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
)

// The names that AWS gives to hosts: of an RDS instance, of a cluster, and of a workgroup of Redshift Serverless. The
// second label of an instance of Aurora's cluster endpoints and of proxies has a prefix, and says nothing of a zone.
var (
	instanceHost  = regexp.MustCompile(`^([a-z0-9-]+)\.[a-z0-9]+\.([a-z0-9-]+)\.rds\.amazonaws\.com(?:\.cn)?$`)
	clusterHost   = regexp.MustCompile(`^([a-z0-9-]+)\.[a-z0-9]+\.([a-z0-9-]+)\.redshift\.amazonaws\.com(?:\.cn)?$`)
	workgroupHost = regexp.MustCompile(`^([a-z0-9-]+)\.[0-9]+\.([a-z0-9-]+)\.redshift-serverless\.amazonaws\.com(?:\.cn)?$`)
)

// errors that stand for what need not be asked.
var (
	errNoInstance = infra.Hinted(errors.New("the host of the cache database is not named like an RDS instance"),
		"Have DATABASE_URL name the instance by its endpoint, or compare by hand.")
	errNoCluster = infra.Hinted(errors.New("which cluster or workgroup it is cannot be told from the link"),
		"Give the link its cluster or workgroup (`cachectl link add --help`), or compare by hand.")
	errNoAWS = errors.New("AWS is not asked")
)

// askInstance describes the RDS instance that the cache database is, as its host name says.
func (d *Doctor) askInstance(ctx context.Context) (cloud.Instance, error) {
	names := instanceHost.FindStringSubmatch(d.cfg.DatabaseHost)
	if names == nil {
		return cloud.Instance{}, errNoInstance
	}
	if d.cfg.AWS == nil {
		return cloud.Instance{}, errNoAWS
	}
	ctx, cancel := context.WithTimeout(ctx, awsTimeout)
	defer cancel()
	return d.cfg.AWS.Instance(ctx, names[2], names[1])
}

// endpoint describes the cluster or workgroup of a link, which the link names or its host's name tells.
func (d *Doctor) endpoint(ctx context.Context, l catalog.Link) (cloud.Endpoint, error) {
	cluster, workgroup, region := l.Cluster, l.Workgroup, l.Region
	if cluster+workgroup == "" {
		if names := clusterHost.FindStringSubmatch(l.Host); names != nil {
			cluster, region = names[1], cmp.Or(region, names[2])
		} else if names := workgroupHost.FindStringSubmatch(l.Host); names != nil {
			workgroup, region = names[1], cmp.Or(region, names[2])
		}
	}
	ctx, cancel := context.WithTimeout(ctx, awsTimeout)
	defer cancel()
	switch {
	case cluster+workgroup == "":
		return cloud.Endpoint{}, errNoCluster
	case d.cfg.AWS == nil:
		return cloud.Endpoint{}, errNoAWS
	case cluster != "":
		return d.cfg.AWS.Cluster(ctx, region, cluster)
	}
	return d.cfg.AWS.Workgroup(ctx, region, workgroup)
}

// examineZone compares the zones of the two sides: what crosses between zones is paid for, and slower.
func examineZone(ctx context.Context, x *exam, l catalog.Link) (Check, error) {
	instance, err := x.instance()
	if err != nil {
		return unknownZone(l, err), nil
	}
	endpoint, err := x.endpoint(ctx, l)
	if err != nil {
		return unknownZone(l, err), nil
	}
	zone := endpoint.Zone
	for _, i := range endpoint.Private {
		if i.Zone != "" && (i.Address == l.HostAddr || zone == "") {
			zone = i.Zone
		}
	}
	switch {
	case zone == "" || instance.Zone == "":
		return unknownZone(l, errors.New("AWS does not tell the zone")), nil
	case zone != instance.Zone:
		return warn(about(l), fmt.Sprintf("Redshift is in %s and PostgreSQL in %s: what a refresh reads crosses "+
			"zones, each time, "+
			"and is paid for", zone, instance.Zone), zoneRemedy(endpoint, instance)), nil
	}
	return ok(about(l), "Redshift and PostgreSQL are both in %s", zone), nil
}

func zoneRemedy(e cloud.Endpoint, i cloud.Instance) string {
	if slices.ContainsFunc(e.Private, func(p cloud.Interface) bool { return p.Zone == i.Zone }) {
		return "Redshift has an address in " + i.Zone + " too: use --address private --zone " + i.Zone + "."
	}
	if e.Relocate {
		return "Move the cluster (aws redshift modify-cluster --availability-zone " + i.Zone + "), or the instance."
	}
	return "Make one of the two in the zone of the other: the instance from a snapshot, or the cluster with relocation."
}

func unknownZone(l catalog.Link, err error) Check {
	hint := infra.Hint(err)
	if hint == "" {
		hint = "Give this process a region and an identity of AWS, or compare AvailabilityZone of both by hand."
	}
	return unknown(about(l), "whether both sides are in one zone is not known: "+infra.Message(err), hint)
}
