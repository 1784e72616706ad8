package setup

import (
	"fmt"
	"time"

	"github.com/redcache/redcache/infra"
)

// Prefix is what the functions' own variables begin with.
const Prefix = "REDCACHE"

// Config is what both functions read from the environment.
type Config struct {
	infra.DatabaseConfig
	Cache    string `default:"redcache" desc:"name of this cache in its metrics"`
	LogLevel string `default:"info" allowed:"debug,info,warn,error" desc:"least important lines in the log"`
}

// Dispatch is what the dispatcher reads.
type Dispatch struct {
	Config
	QueueURL string        `required:"true" desc:"URL of the queue that the refresher takes its messages from"`
	Claim    time.Duration `default:"15m" min:"1s" max:"24h" desc:"how long a message is believed to be on its way when nothing is heard of it"`
}

// Refresh is what the refresher reads.
type Refresh struct {
	Config
	QueueURL       string        `unset:"none" desc:"URL of the queue that messages come from; a message whose refresh could not begin is given back to it, to come again within a minute. Without it, such a message stays hidden for as long as the queue is set to"`
	SwitchPatience time.Duration `default:"15s" min:"100ms" max:"1h" desc:"how long a swap waits for a moment without readers before it merges instead, where it can"`
	ModifiedLag    time.Duration `default:"20m" min:"1s" max:"168h" desc:"how late Redshift may note that a table was modified; a view that is skipped for that is this old"`
	KeepRuns       int           `default:"1000" min:"1" desc:"history kept of each view, in runs"`
}

// Needed connections: a refresh takes three at times, a look at what is due one.
const neededByRefresh = 3

// Validate holds the variables against each other.
func (c *Refresh) Validate() error {
	if c.MaxConns != 0 && c.MaxConns < neededByRefresh {
		return fmt.Errorf("%s_MAX_CONNS=%d: a refresh needs %d connections", Prefix, c.MaxConns, neededByRefresh)
	}
	return c.DatabaseConfig.Validate()
}
