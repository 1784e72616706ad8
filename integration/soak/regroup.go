package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redcache/redcache/catalog"
)

// regroup gives a view a group, or takes it out of one, which changes no rows. It says whether that was let through.
func (h *history) regroup(ctx context.Context, name catalog.Name, group string) (bool, error) {
	_, err := h.pair.definer.Alter(ctx, name, func(v *catalog.View) error { v.Group = group; return nil }, false, nil)
	if refused := (*catalog.InvalidError)(nil); errors.As(err, &refused) {
		h.say("%s cannot have group %q: %v", name, group, refused)
		return false, nil
	}
	if err != nil {
		return false, differs("%s cannot have group %q: %v", name, group, err)
	}
	return true, nil
}

// join has a view that stands alone join another unit.
func (h *history) join(ctx context.Context, n int) error {
	r := h.random(deedsStep + n)
	alone := slices.DeleteFunc(slices.Clone(h.units), func(u *unit) bool { return len(u.names) > 1 || single(u.now[0].def) })
	if len(alone) == 0 {
		return h.leave(ctx, n)
	}
	u := one(r, alone)
	others := slices.DeleteFunc(slices.Clone(h.units), func(other *unit) bool { return other == u || single(other.now[0].def) })
	if len(others) == 0 {
		return h.leave(ctx, n)
	}
	to := one(r, others)
	if to.group == "" {
		to.group = fmt.Sprintf("joined%d", n)
		if ok, err := h.regroup(ctx, to.names[0], to.group); err != nil || !ok {
			return errors.Join(err, h.atRest(ctx))
		}
	}
	ok, err := h.regroup(ctx, u.names[0], to.group)
	if err := errors.Join(err, h.atRest(ctx)); err != nil || !ok {
		return err
	}
	if err := h.retire(u, to); err != nil {
		return err
	}
	_, err = h.unite(ctx, to.group, slices.Concat(to.names, u.names))
	return err
}

// leave has a view leave the group that it is in.
func (h *history) leave(ctx context.Context, n int) error {
	r := h.random(deedsStep + n)
	groups := slices.DeleteFunc(slices.Clone(h.units), func(u *unit) bool { return len(u.names) == 1 })
	if len(groups) == 0 {
		return h.atRest(ctx)
	}
	u := one(r, groups)
	name := one(r, u.names)
	ok, err := h.regroup(ctx, name, "")
	if err := errors.Join(err, h.atRest(ctx)); err != nil || !ok {
		return err
	}
	if err := h.retire(u); err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(u.names), func(other catalog.Name) bool { return other == name })
	if _, err = h.unite(ctx, u.group, others); err != nil {
		return err
	}
	_, err = h.unite(ctx, "", []catalog.Name{name})
	return err
}

// atRest wants every unit to be as it was before the step.
func (h *history) atRest(ctx context.Context) error {
	if err := h.settle(ctx); err != nil {
		return err
	}
	last := len(h.versions) - 1
	for _, u := range h.units {
		if err := h.check(ctx, u, happened{from: last, to: last}); err != nil {
			return err
		}
	}
	return nil
}

// retire takes units away from readers, whose last looks are held against what was until now.
func (h *history) retire(units ...*unit) error {
	h.mu.Lock()
	h.units = slices.DeleteFunc(h.units, func(u *unit) bool { return slices.Contains(units, u) })
	h.mu.Unlock()
	for _, u := range units {
		if err := u.holdLooks(); err != nil {
			return err
		}
	}
	return nil
}
