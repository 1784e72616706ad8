//go:build !linux

package pgtest

// placeInMemory makes none: other systems have no directory for it.
func placeInMemory() (*place, error) { return nil, nil }
