package grants

import (
	"fmt"
	"strings"

	"github.com/redcache/redcache/catalog"
)

// Kind is what an identity on Redshift is.
type Kind string

// The kinds of identities.
const (
	User  Kind = "user"
	Group Kind = "group"
	Role  Kind = "role"
)

// Identity is somebody on Redshift: a user, whoever is in a group, or whoever has a role.
type Identity struct {
	Kind Kind
	Name string
}

// String is the identity as messages name it: user ann, group staff.
func (i Identity) String() string { return string(i.Kind) + " " + i.Name }

// everybody is the identity that Redshift calls PUBLIC. Nothing is mapped to it.
var everybody = Identity{Kind: "public"}

// Mapping tells for roles of this database who they are on Redshift.
type Mapping map[string]Identity

// MappingError says what is wrong with a mapping. [Mapping.Add] returns it.
type MappingError struct {
	Line    int // from 1; 0 when the text is one line
	Problem string
}

// Error implements error.
func (e *MappingError) Error() string {
	if e.Line == 0 {
		return "mapping: " + e.Problem
	}
	return fmt.Sprintf("mapping, line %d: %s", e.Line, e.Problem)
}

// Hint says how a mapping is written.
func (e *MappingError) Hint() string {
	return `Write ROLE=USER, ROLE=group:GROUP or ROLE=role:ROLE, several with commas or on lines of their own, and double ` +
		`quotes around a name with other signs: "Data Team"=group:data.`
}

// Add reads entries, ROLE=[user:|group:|role:]NAME, that commas or ends of lines separate; # begins a comment. Names are
// taken as they are written, without folding, and may stand in double quotes. To map a role twice to the same identity
// is no error, to another one is. PUBLIC is everybody, so it cannot be mapped, but a role "PUBLIC" can, in quotes.
func (m Mapping) Add(text string) error {
	for rest := text; rest != ""; {
		tail, err := m.addEntry(rest)
		if err != nil {
			problem := &MappingError{Problem: err.Error()}
			if strings.Contains(text, "\n") {
				problem.Line = 1 + strings.Count(text[:len(text)-len(strings.TrimLeft(rest, blanks+"\n"))], "\n")
			}
			return problem
		}
		rest = tail
	}
	return nil
}

// blanks are those within a line.
const blanks = " \t\r\v\f"

// addEntry reads one entry, if there is one before the next comma or the end of the line, and returns what is behind that.
func (m Mapping) addEntry(text string) (rest string, err error) {
	rest = strings.TrimLeft(text, blanks+"\n")
	if rest == "" || rest[0] == '#' {
		_, rest, _ = strings.Cut(rest, "\n")
		return rest, nil
	}
	quoted, entry := rest[0] == '"', rest
	role, rest, err := cutName(rest, "=,#")
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(rest, "=") {
		return "", fmt.Errorf("%q has no = behind the role", firstLine(entry))
	}
	identity, rest, err := cutIdentity(strings.TrimLeft(rest[1:], blanks))
	if err != nil {
		return "", err
	}
	if everybody := catalog.Everybody(role) && !(quoted && role == PUBLIC); everybody {
		return "", fmt.Errorf("PUBLIC is everybody, who is nobody in particular on Redshift")
	}
	if err := m.put(role, identity); err != nil {
		return "", err
	}
	switch {
	case strings.HasPrefix(rest, ","):
		return rest[1:], nil
	case rest != "" && !strings.ContainsAny(rest[:1], "#\n"):
		return "", fmt.Errorf("%q is more than one name", firstLine(entry))
	}
	return rest, nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimRight(line, blanks)
}

func (m Mapping) put(role string, identity Identity) error {
	before, twice := m[role]
	if twice && before != identity {
		return fmt.Errorf("role %s is mapped to %s and to %s", role, before, identity)
	}
	m[role] = identity
	return nil
}

// cutIdentity takes an identity off the front. A user's name may have a colon: IAM:ann.
func cutIdentity(text string) (identity Identity, rest string, err error) {
	identity.Kind = User
	for _, kind := range []Kind{User, Group, Role} {
		if after, found := strings.CutPrefix(text, string(kind)+":"); found {
			identity.Kind, text = kind, strings.TrimLeft(after, blanks)
			break
		}
	}
	identity.Name, rest, err = cutName(text, ",#")
	return identity, rest, err
}

// cutName takes a name off the front, and the blanks around it. A name without quotes ends before one of the signs.
func cutName(text, ends string) (name, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ends+"\n")
		if end < 0 {
			end = len(text)
		}
		name = strings.TrimSpace(text[:end])
		if name == "" {
			return "", "", fmt.Errorf("a name is missing before %q", firstLine(text[end:]))
		}
		if strings.Contains(name, `"`) {
			return "", "", fmt.Errorf("%s has a quote within", name)
		}
		return name, text[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] != '"':
			b.WriteByte(text[i])
		case strings.HasPrefix(text[i+1:], `"`):
			b.WriteByte('"')
			i++
		case b.Len() == 0:
			return "", "", fmt.Errorf("a name is empty")
		default:
			return b.String(), strings.TrimLeft(text[i+1:], blanks), nil
		}
	}
	return "", "", fmt.Errorf("a double quote is not closed")
}
