package main

import (
	"time"

	"github.com/redcache/redcache/catalog"
)

// The records of links, in the form that record.go explains.

type linkRecord struct {
	Link           string    `json:"link"`
	Host           string    `json:"host"`
	HostAddr       *string   `json:"hostaddr"`
	Port           int       `json:"port"`
	Database       string    `json:"database"`
	User           string    `json:"user"`
	SSLMode        string    `json:"sslmode"`
	SSLRootCert    *string   `json:"sslrootcert"`
	MaxConcurrency int       `json:"max_concurrency"`
	CreatedAt      time.Time `json:"created_at"`
	linkSource
	RenewedAt  *time.Time `json:"renewed_at"`
	ResolvedAt *time.Time `json:"resolved_at"`
	restRecord
}

// linkSource is where the login and the address come from.
type linkSource struct {
	Credentials catalog.Credentials `json:"credentials"`
	Cluster     *string             `json:"cluster"`
	Workgroup   *string             `json:"workgroup"`
	Secret      *string             `json:"secret"`
	Region      *string             `json:"region"`
	Address     catalog.AddressMode `json:"address"`
	Zone        *string             `json:"zone"`
	ExpiresAt   *time.Time          `json:"expires_at"`
}

// restRecord is null but for a link that rests now.
type restRecord struct {
	RestUntil  *time.Time `json:"rest_until"`
	RestReason *string    `json:"rest_reason"`
}

func recordLink(l catalog.Link, state catalog.LinkState) linkRecord {
	return linkRecord{
		Link: l.Name, Host: l.Host, HostAddr: some(l.HostAddr), Port: l.Port, Database: l.Database, User: l.User,
		SSLMode: l.SSLMode, SSLRootCert: some(l.SSLRootCert), MaxConcurrency: l.MaxConcurrency,
		CreatedAt: l.CreatedAt.UTC(), linkSource: recordSource(l, state),
		RenewedAt: utc(state.RenewedAt), ResolvedAt: utc(state.ResolvedAt), restRecord: recordRest(state),
	}
}

func recordSource(l catalog.Link, state catalog.LinkState) linkSource {
	return linkSource{
		Credentials: l.Credentials, Cluster: some(l.Cluster), Workgroup: some(l.Workgroup), Secret: some(l.Secret),
		Region: some(l.Region), Address: l.Address, Zone: some(l.Zone), ExpiresAt: utc(state.ExpiresAt),
	}
}

func recordRest(state catalog.LinkState) restRecord {
	if !rests(state) {
		return restRecord{}
	}
	return restRecord{RestUntil: utc(state.RestUntil), RestReason: state.RestReason}
}

type linkTestRecord struct {
	Link       string           `json:"link"`
	Took       seconds          `json:"took_seconds"`
	Works      bool             `json:"works"`
	Steps      []linkStepRecord `json:"steps"`
	FailedStep *string          `json:"failed_step"`
	Error      *string          `json:"error"`
	Hint       *string          `json:"hint"`
	HereError  *string          `json:"here_error"`
	Login      *string          `json:"login"`
	Host       string           `json:"host"`
	HostAddr   *string          `json:"hostaddr"`
	TLS        *bool            `json:"tls"`
	RoundTrip  *seconds         `json:"round_trip_seconds"`
	linkSource
	ResolvedAt *time.Time `json:"resolved_at"`
}

// linkStepRecord is one step of a test, as PostgreSQL and as this process see it.
type linkStepRecord struct {
	Step     string  `json:"step"`
	Database *string `json:"database"`
	Here     *string `json:"here"`
}
