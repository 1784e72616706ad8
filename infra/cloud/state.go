package cloud

import "strings"

// states are what the statuses of clusters come to, unless their availability says otherwise. A cluster whose storage
// is full still answers queries. Statuses that start with incompatible- stop a cluster as well.
var states = map[string]State{
	"available": Available, "storage-full": Available,

	"cancelling-resize": Passing, "creating": Passing, "modifying": Passing, "rebooting": Passing, "recovering": Passing,
	"renaming": Passing, "resizing": Passing, "restoring": Passing, "resuming": Passing, "rotating-keys": Passing,
	"updating-hsm": Passing, "maintenance": Passing,

	"deleting": Stopped, "failed": Stopped, "final-snapshot": Stopped, "hardware-failure": Stopped, "paused": Stopped,
	"pausing": Stopped,
}

// stateOf weighs a cluster's status, what is done to it, against its availability, what its clients notice of that.
// A status that is not known is given a try, unless AWS says that it would be in vain.
func stateOf(status, availability string) State {
	word, _, _ := strings.Cut(strings.ToLower(status), ",") // available, prep-for-resize
	state, known := states[word]
	if strings.HasPrefix(word, "incompatible-") {
		state, known = Stopped, true
	}
	switch strings.ToLower(availability) {
	case "failed":
		return Stopped
	case "available":
		if state == Passing {
			return Available
		}
	case "unavailable":
		if !known || state == Available {
			return Passing
		}
	}
	return state
}
