package redshiftsim

import (
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	engineNameLength   = 63  // bytes that the engine keeps of a name
	redshiftNameLength = 127 // bytes that Redshift keeps
)

// longNames remembers the names that are too long for the engine, by the short ones it got instead.
type longNames struct {
	mu   sync.RWMutex
	long map[string]string
}

// shorten returns the engine's name for a long one, the same at every time.
func (n *longNames) shorten(name string) string {
	name = clip(name, redshiftNameLength)
	hash := fnv.New32a()
	hash.Write([]byte(name))
	const room = 10 // for what is appended
	short := fmt.Sprintf("%s~%08x~", clip(name, engineNameLength-room), hash.Sum32())
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.long == nil {
		n.long = map[string]string{}
	}
	n.long[short] = name
	return short
}

// restore puts the long names back into a text.
func (n *longNames) restore(text string) string {
	if !strings.Contains(text, "~") {
		return text
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	for short, long := range n.long {
		text = strings.ReplaceAll(text, short, long)
	}
	return text
}

// clip cuts a name to at most so many bytes without cutting a character.
func clip(name string, size int) string {
	if len(name) <= size {
		return name
	}
	for size > 0 && !utf8.RuneStart(name[size]) {
		size--
	}
	return name[:size]
}
