package awssim

import (
	"net/http"

	"github.com/redcache/redcache/infra/cloud"
)

// Instance makes an RDS instance known, or changes what AWS says of it.
func (a *AWS) Instance(instance cloud.Instance) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.instances[instance.ID] = instance
}

type instanceXML struct {
	ID            string `xml:"DBInstanceIdentifier"`
	Class         string `xml:"DBInstanceClass"`
	Engine        string `xml:"Engine"`
	EngineVersion string `xml:"EngineVersion"`
	Status        string `xml:"DBInstanceStatus"`
	Zone          string `xml:"AvailabilityZone"`
	VPC           string `xml:"DBSubnetGroup>VpcId"`
	Host          string `xml:"Endpoint>Address"`
	Port          int    `xml:"Endpoint>Port"`
	MultiAZ       bool   `xml:"MultiAZ"`
	IAM           bool   `xml:"IAMDatabaseAuthenticationEnabled"`
	Storage       int    `xml:"AllocatedStorage"`
	MaxStorage    int    `xml:"MaxAllocatedStorage,omitempty"`
	Certificate   string `xml:"CACertificateIdentifier"`
	ResourceID    string `xml:"DbiResourceId"`
}

func (a *AWS) describeInstances(r *request) (any, *refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := r.text("DBInstanceIdentifier")
	i, known := a.instances[id]
	if !known || r.region != Region {
		return nil, &refusal{http.StatusNotFound, "DBInstanceNotFound", "DBInstance " + id + " not found."}
	}
	return struct {
		Instances []instanceXML `xml:"DBInstances>DBInstance"`
	}{[]instanceXML{{
		i.ID, i.Class, i.Engine, i.EngineVersion, i.Status, i.Zone, i.VPC, i.Host, i.Port, i.MultiAZ, i.IAM, i.StorageGiB,
		i.MaxStorageGiB, i.CACertificate, i.ResourceID,
	}}}, nil
}
