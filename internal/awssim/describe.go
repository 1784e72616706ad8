package awssim

import "strconv"

type vpcEndpoint struct {
	ID         string             `json:"vpcEndpointId" xml:"VpcEndpointId"`
	VPC        string             `json:"vpcId" xml:"VpcId"`
	Interfaces []networkInterface `json:"networkInterfaces" xml:"NetworkInterfaces>NetworkInterface"`
}

type networkInterface struct {
	ID      string `json:"networkInterfaceId" xml:"NetworkInterfaceId"`
	Address string `json:"privateIpAddress" xml:"PrivateIpAddress"`
	Zone    string `json:"availabilityZone" xml:"AvailabilityZone"`
}

type endpoint struct {
	Address   string        `json:"address" xml:"Address"`
	Port      int           `json:"port" xml:"Port"`
	Endpoints []vpcEndpoint `json:"vpcEndpoints" xml:"VpcEndpoints>VpcEndpoint"`
}

type node struct {
	Role    string `xml:"NodeRole"`
	Private string `xml:"PrivateIPAddress"`
}

type clusterXML struct {
	ID           string   `xml:"ClusterIdentifier"`
	Status       string   `xml:"ClusterStatus"`
	Availability string   `xml:"ClusterAvailabilityStatus,omitempty"`
	Zone         string   `xml:"AvailabilityZone"`
	VPC          string   `xml:"VpcId"`
	MultiAZ      string   `xml:"MultiAZ"`
	Relocation   string   `xml:"AvailabilityZoneRelocationStatus"`
	Endpoint     endpoint `xml:"Endpoint"`
	Nodes        []node   `xml:"ClusterNodes>member"`
}

func (a *AWS) describeClusters(r *request) (any, *refusal) {
	c, refused := a.clusterOf(r)
	if refused != nil {
		return nil, refused
	}
	d := c.description()
	one := clusterXML{
		ID: c.id, Status: d.Status, Availability: d.Availability, Zone: d.Zone, VPC: d.VPC,
		MultiAZ: switched(d.MultiAZ), Relocation: switched(d.Relocate), Endpoint: c.endpoint(d),
		// The nodes of a cluster behind a proxy are there as well, and not to be used.
		Nodes: []node{{"COMPUTE-0", "10.0.0.10"}, {"LEADER", c.server.Host()}, {"COMPUTE-1", "10.0.0.11"}},
	}
	if d.Relocate || d.MultiAZ {
		one.Nodes[1].Private = "10.0.0.9"
	} else {
		one.Endpoint.Endpoints = nil
	}
	return struct {
		Clusters []clusterXML `xml:"Clusters>Cluster"`
	}{[]clusterXML{one}}, nil
}

func switched(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}

func (c *Cluster) endpoint(d Description) endpoint {
	at := vpcEndpoint{ID: "vpce-0a1b2c3d", VPC: d.VPC}
	for i, each := range d.Interfaces {
		at.Interfaces = append(at.Interfaces, networkInterface{"eni-" + strconv.Itoa(i), each.Address, each.Zone})
	}
	return endpoint{Address: d.Host, Port: c.server.Port(), Endpoints: []vpcEndpoint{at}}
}
