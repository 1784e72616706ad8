package relation

import (
	"context"
	"fmt"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// A generation without rows is made over names, and what has a name may be somebody else's by then. So inputs are looked at
// beforehand, to say what is wrong with them, and once more when the generation is there: it keeps what it reads from being
// dropped and replaced, so that what is right then stays so.

// CheckInputs refuses to make a view over inputs of which readers do not see what is refreshed.
func CheckInputs(ctx context.Context, db catalog.DB, v catalog.View, inputs []catalog.Name) error {
	shown, err := catalog.In(db).Shown(ctx, inputs...)
	if err != nil {
		return err
	}
	for _, input := range inputs {
		if problem := shown.Problem(input); problem != "" {
			return misledError(v, "its input "+input.String()+": "+problem)
		}
	}
	return nil
}

// checkMade does so for what was just made.
func checkMade(ctx context.Context, db catalog.DB, switches []*Switch) error {
	for _, sw := range switches {
		if sw.rowless == nil {
			continue
		}
		shown, err := catalog.In(db).Shown(ctx, sw.View.Name)
		if err != nil {
			return err
		}
		if why := shown.Misled(sw.View.Name); why != "" {
			return misledError(sw.View, why)
		}
	}
	return nil
}

func misledError(v catalog.View, why string) error {
	return infra.Hinted(fmt.Errorf("view %s keeps no rows, and would not show what is refreshed: %s", v.Name, why),
		"Refresh the input first: that mends what others have done to it, or says what somebody has to decide.")
}
