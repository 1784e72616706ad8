package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
)

// linkState is what is true of a link now; nothing, if it has just been removed.
func (s *connection) linkState(ctx context.Context, l catalog.Link) (catalog.LinkState, error) {
	state, err := s.store.LinkState(ctx, l.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return catalog.LinkState{}, nil
	}
	return state, err
}

// linkStates are those of all links, by id.
func (s *connection) linkStates(ctx context.Context) (map[int32]catalog.LinkState, error) {
	links, err := s.store.Links(ctx)
	if err != nil {
		return nil, err
	}
	states := make(map[int32]catalog.LinkState, len(links))
	for _, l := range links {
		if states[l.ID], err = s.linkState(ctx, l); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// rests says whether no view of the link is due for now.
func rests(state catalog.LinkState) bool {
	return state.RestUntil != nil && state.RestUntil.After(state.Now)
}

// restless is what the list adds to a view whose link rests.
func restless(state catalog.LinkState) string {
	if !rests(state) {
		return ""
	}
	return ", link rests"
}

// rest says until when, and why.
func rest(r restRecord) string {
	if r.RestUntil == nil {
		return ""
	}
	return "until " + instant(r.RestUntil) + ": " + text(r.RestReason)
}

// loginOf says in a few words where the password comes from.
func loginOf(l catalog.Link) string {
	switch l.Credentials {
	case catalog.ClusterCredentials:
		return "cluster " + l.Cluster
	case catalog.ClusterIAMCredentials:
		return "cluster " + l.Cluster + " by IAM"
	case catalog.WorkgroupCredentials:
		return "workgroup " + l.Workgroup
	case catalog.SecretCredentials:
		return "secret " + l.Secret[strings.LastIndexByte(l.Secret, ':')+1:]
	case catalog.PasswordCredentials:
	}
	return "password"
}

// expiry says when a password ends, or ended.
func expiry(state catalog.LinkState) string {
	if state.ExpiresAt == nil {
		return "-"
	}
	left := state.ExpiresAt.Sub(state.Now).Round(time.Second)
	if left <= 0 {
		return "ended " + brief(-left) + " ago"
	}
	return "in " + brief(left)
}

// whereTo is the host with the address that is connected to instead of what the host resolves to.
func whereTo(l catalog.Link) string {
	var by []string
	if l.HostAddr != "" {
		by = append(by, l.HostAddr)
	}
	if l.Address == catalog.PrivateAddress {
		by = append(by, "private")
	}
	if len(by) == 0 {
		return l.Host
	}
	return strings.TrimSpace(l.Host + " (" + strings.Join(by, ", ") + ")")
}
