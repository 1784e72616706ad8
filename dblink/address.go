package dblink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// SetAddress makes an existing server lead to an address and port, and says whether it led elsewhere before. All its
// other options stay, those that an operator has changed included. Sessions that are open stay where they are.
func SetAddress(ctx context.Context, tx pgx.Tx, server, hostaddr string, port int) (moved bool, err error) {
	if _, err := netip.ParseAddr(hostaddr); err != nil {
		return false, fmt.Errorf("set address of server %s: %q is not an IP address", server, hostaddr)
	}
	current, err := Options(ctx, tx, server)
	if errors.Is(err, pgx.ErrNoRows) {
		err = &missingError{server, ErrNoServer}
	}
	if err != nil {
		return false, err
	}
	wanted := maps.Clone(current)
	wanted["hostaddr"], wanted["port"] = hostaddr, strconv.Itoa(port)
	changes := alterOptions(server, current, wanted)
	if err := execAll(ctx, tx, changes); err != nil {
		return false, fmt.Errorf("set address of server %s: %w", server, err)
	}
	return len(changes) > 0, nil
}
