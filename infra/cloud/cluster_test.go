package cloud_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/awssim"
)

func TestClient_FindsPrivateAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	moving := []awssim.Interface{{Address: "10.0.1.5", Zone: "eu-central-1b"}, {Address: "10.0.0.5", Zone: "eu-central-1a"}}
	for _, tt := range []struct {
		name   string
		change func(d *awssim.Description)
		want   []cloud.Interface
	}{
		{"leader", func(d *awssim.Description) { d.Interfaces = moving }, []cloud.Interface{{Address: "127.0.0.1", Zone: "eu-central-1a"}}},
		{
			"relocatable", func(d *awssim.Description) { d.Relocate = true },
			[]cloud.Interface{{Address: "10.0.0.5", Zone: "eu-central-1a"}, {Address: "10.0.1.5", Zone: "eu-central-1b"}},
		},
		{
			"relocatable without interfaces", func(d *awssim.Description) { d.Interfaces = []awssim.Interface{} },
			[]cloud.Interface{{Address: "10.0.0.9", Zone: "eu-central-1a"}},
		},
		{
			"multi-AZ", func(d *awssim.Description) { d.Relocate, d.MultiAZ, d.Interfaces = false, true, moving },
			[]cloud.Interface{{Address: "10.0.0.5", Zone: "eu-central-1a"}, {Address: "10.0.1.5", Zone: "eu-central-1b"}},
		},
	} {
		b.cluster.Set(tt.change)
		got, err := b.client.Cluster(t.Context(), "", "prod")
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got.Private); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if got.Host != "localhost" || got.Port == 0 || got.Zone != "eu-central-1a" || got.VPC != "vpc-0a1b2c3d" {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

func TestClient_FindsInterfacesOfAWorkgroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.workgroup.Set(func(d *awssim.Description) {
		d.Interfaces = []awssim.Interface{{Address: "10.0.1.5", Zone: "eu-central-1b"}, {Address: "10.0.0.5", Zone: "eu-central-1a"}}
	})
	got, err := b.client.Workgroup(t.Context(), "", "bi-group")
	if err != nil {
		t.Fatal(err)
	}
	want := cloud.Endpoint{
		Host: "localhost", Port: got.Port, Status: "available", VPC: "vpc-0a1b2c3d", Relocate: true,
		Private: []cloud.Interface{{Address: "10.0.1.5", Zone: "eu-central-1b"}, {Address: "10.0.0.5", Zone: "eu-central-1a"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || got.Port == 0 {
		t.Errorf("endpoint (-want +got):\n%s", diff)
	}
}

func TestClient_KnowsWhatToExpectOfACluster(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, tt := range []struct {
		status, availability string
		want                 cloud.State
	}{
		{"available", "", cloud.Available},
		{"available", "Available", cloud.Available},
		{"available, prep-for-resize", "", cloud.Available},
		{"available, resize-cleanup", "Modifying", cloud.Available},
		{"available", "Unavailable", cloud.Passing},
		{"available", "Failed", cloud.Stopped},
		{"storage-full", "", cloud.Available}, // it still answers
		{"paused", "Unavailable", cloud.Stopped},
		{"paused", "Available", cloud.Stopped}, // which would be a contradiction
		{"resuming", "Unavailable", cloud.Passing},
		{"rebooting", "", cloud.Passing},
		{"resizing", "Modifying", cloud.Passing},
		{"resizing", "Available", cloud.Available}, // an elastic resize, for most of its time
		{"modifying", "", cloud.Passing},
		{"renaming", "", cloud.Passing},
		{"rotating-keys", "", cloud.Passing},
		{"creating", "", cloud.Passing},
		{"cancelling-resize", "", cloud.Passing},
		{"updating-hsm", "", cloud.Passing},
		{"deleting", "", cloud.Stopped},
		{"final-snapshot", "", cloud.Stopped},
		{"hardware-failure", "", cloud.Stopped},
		{"incompatible-network", "", cloud.Stopped},
		{"incompatible-restore", "Unavailable", cloud.Stopped},
		{"invented-tomorrow", "", cloud.Available},
		{"invented-tomorrow", "Unavailable", cloud.Passing},
	} {
		b.cluster.Set(func(d *awssim.Description) { d.Status, d.Availability = tt.status, tt.availability })
		got, err := b.client.Cluster(t.Context(), "", "prod")
		if err != nil || got.State != tt.want || got.Status != tt.status {
			t.Errorf("%s, %s: got %v (%s), %v; want %v", tt.status, tt.availability, got.State, got.Status, err, tt.want)
		}
	}
	for status, want := range map[string]cloud.State{
		"AVAILABLE": cloud.Available, "CREATING": cloud.Passing, "MODIFYING": cloud.Passing, "DELETING": cloud.Stopped,
	} {
		b.workgroup.Set(func(d *awssim.Description) { d.Status = status })
		if got, err := b.client.Workgroup(t.Context(), "", "bi-group"); err != nil || got.State != want {
			t.Errorf("workgroup %s: got %v, %v; want %v", status, got.State, err, want)
		}
	}
}

func TestClient_DescribesAnInstance(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := cloud.Instance{
		ID: "app", Class: "db.t4g.medium", Engine: "postgres", EngineVersion: "17.4", Status: "available", Zone: "eu-central-1a",
		VPC: "vpc-0a1b2c3d", Host: "app.abc.eu-central-1.rds.amazonaws.com", Port: 5432, MultiAZ: true, IAM: true,
		StorageGiB: 100, MaxStorageGiB: 500, CACertificate: "rds-ca-rsa2048-g1", ResourceID: "db-ABC",
	}
	b.aws.Instance(want)
	got, err := b.client.Instance(t.Context(), "", "app")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("instance (-want +got): %v\n%s", err, diff)
	}
}
