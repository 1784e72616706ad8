package redshiftsim

import (
	"strings"
	"time"
)

// temporary is a password that ends by itself.
type temporary struct {
	password string
	expires  time.Time
}

// Issue lets a user in with one more password until it expires, as AWS does with those that it issues. The user's other
// passwords stay as good as they are. A name with AWS's prefix, IAM:cache_ro say, works as the engine's role without it.
func (s *Server) Issue(user, password string, expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued[user] = append(s.issued[user], temporary{password, expires})
}

// SetPassword gives a login another password, which is its only one then, and lets it in again.
func (s *Server) SetPassword(user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passwords[user] = password
	delete(s.issued, user)
}

// ExpirePassword refuses later logins of the user with any password that it has now. Sessions that are open go on.
func (s *Server) ExpirePassword(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.passwords, user)
	delete(s.issued, user)
}

// passwordsOf returns the passwords of which the user has to know one; none for users who cannot log in.
func (s *Server) passwordsOf(user string) (good []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if password, known := s.passwords[user]; known {
		good = append(good, password)
	}
	now := time.Now()
	for _, t := range s.issued[user] {
		if now.Before(t.expires) {
			good = append(good, t.password)
		}
	}
	return good
}

// role is the engine's role of a login: the one that is named behind the prefix by which AWS marks temporary logins.
func role(user string) string {
	for _, prefix := range []string{"IAM:", "IAMA:", "IAMR:"} {
		if name, found := strings.CutPrefix(user, prefix); found {
			return name
		}
	}
	return user
}
