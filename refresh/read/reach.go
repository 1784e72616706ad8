package read

import (
	"sync"
	"time"
)

// outOfReach remembers which links this process could not reach itself, so that not each refresh waits for a timeout
// before it takes the other transport.
type outOfReach struct {
	mu    sync.Mutex
	links map[int32]blocked
}

type blocked struct {
	until time.Time
	cause error
}

// tryAgain is how long a link that could not be reached is left alone.
const tryAgain = 5 * time.Minute

func (o *outOfReach) cause(linkID int32) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if b, found := o.links[linkID]; found && time.Now().Before(b.until) {
		return b.cause
	}
	return nil
}

func (o *outOfReach) remember(linkID int32, cause error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.links == nil {
		o.links = map[int32]blocked{}
	}
	o.links[linkID] = blocked{time.Now().Add(tryAgain), cause}
}

func (o *outOfReach) forget(linkID int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.links, linkID)
}
