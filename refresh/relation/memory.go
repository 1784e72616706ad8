package relation

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// MoreMemory lets a comparison or a sort of rows keep to memory, or the sort for an index (work_mem, maintenance_work_mem),
// where the server has enough of it: a quarter of what it keeps for its buffers, which is a sixteenth of its memory
// where these are set as PostgreSQL advises, and never less than what the server allows anyway.
func MoreMemory(ctx context.Context, tx pgx.Tx, setting string) error {
	const most = 512 << 10 // kB
	_, err := tx.Exec(ctx, `
		SELECT pg_catalog.set_config(m.name, greatest(m.setting::bigint, least($2, b.setting::bigint * 8 / 4))::text, true)
		FROM pg_catalog.pg_settings m, pg_catalog.pg_settings b
		WHERE m.name = $1 AND b.name = 'shared_buffers'`, setting, most)
	if err != nil {
		return fmt.Errorf("set %s: %w", setting, err)
	}
	return nil
}
